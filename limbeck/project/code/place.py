"""Where the files of a project's history are."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """Where Alembic's files are; `section` is that of the ini file."""

    ini: str
    script_location: str
    versions: str
    section: str = "alembic"
