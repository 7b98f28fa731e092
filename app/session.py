"""Sessions of the running application, which may use the pooled URL."""

from __future__ import annotations

import os
from functools import cache

from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.orm import Session


@cache
def engine() -> Engine:
    """Return the engine for DATABASE_URL, created once.

    Behind a transaction pooler, a prepared statement may reach another session, and a suspended
    compute has closed its connections. The two settings handle both.
    """
    url = make_url(os.environ["DATABASE_URL"])
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        connect_args={"prepare_threshold": None},
    )


def session() -> Session:
    """Return a session for use in a `with` block."""
    return Session(engine())
