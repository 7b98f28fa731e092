"""Sessions of the running application; the pooled URL is the right one here."""

from __future__ import annotations

import os
from functools import cache

from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.orm import Session


@cache
def engine() -> Engine:
    """The engine, made when it is first asked for, on DATABASE_URL.

    Through a transaction pooler a server-side prepared statement may meet another session, and a
    compute that slept has dropped its connections: hence the two settings.
    """
    url = make_url(os.environ["DATABASE_URL"])
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        connect_args={"prepare_threshold": None},
    )


def session() -> Session:
    """Give a session, to be used in a `with` block."""
    return Session(engine())
