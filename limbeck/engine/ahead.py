"""Read and import what a run will need, while a worker imports the project.

What is read is remembered by those who are asked (`history.code`, `history.plainness`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from limbeck.engine import opening, version_table
from limbeck.errors import LimbeckError
from limbeck.history import code, plainness
from limbeck.history.history import History
from limbeck.history.revisions import Revision

if TYPE_CHECKING:
    import psycopg


def read(revisions: Sequence[Revision], action: str = "upgrade") -> Iterator[None]:
    """Read revisions, and stop after each of them."""
    for revision in revisions:
        code.checksum(revision.path)
        plainness.is_plain(revision.path, action)
        yield


def pending(history: History, connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Read the revisions that are pending by the version table of the usual name, one by one.

    A worker has yet to tell whether env.py has given it another name.
    """
    known = {revision.id for revision in history.revisions()}
    with suppress(LimbeckError):  # it will be raised where it belongs
        recorded = version_table.recorded(connection)
        revisions = history.pending([id_ for id_ in recorded if id_ in known])
        if revisions:
            opening.load(history)
            yield
        yield from read(revisions)
