"""Where the files of a project's history are."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """Where Alembic's files are; `section` is that of the ini file.

    `versions` has the folders of the revision files, separated as in PATH. `paths` are
    the folders beside the project's that modules are imported from.
    """

    ini: str
    script_location: str
    versions: str
    section: str = "alembic"
    paths: tuple[str, ...] = ()
