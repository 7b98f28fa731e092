"""The cache of catalogs on disk, each under a hash of what it was made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.paths import write_whole
from limbeck.project.project import Project

if TYPE_CHECKING:
    from limbeck.schema.catalog.catalog import Catalog

# Catalogs of each kind. A branch switch should find its own again; one of 1,000 tables has 3 MB.
MOST = 20


def folder(project: Project) -> Path:
    """Return the folder of a project's cache."""
    return project.home / "cache"


def keep(project: Project, name: str, catalog: Catalog) -> Catalog:
    """Save a catalog under a name, KIND-KEY, remove the oldest of its kind, and return it.

    The catalog that is returned builds its objects when they are used.
    """
    from limbeck.schema.catalog import store  # noqa: PLC0415 - most commands save nothing
    from limbeck.schema.catalog.parted import Parted  # noqa: PLC0415 - as above

    path = folder(project) / name
    catalog = Parted.in_parts(catalog)
    head = f"{catalog.fingerprint()} {Parted.tables(catalog)}\n"
    write_whole(path, head.encode(), *store.parted(catalog))
    _prune(path)
    return catalog


def keep_statements(project: Project, name: str, statements: Sequence[str]) -> None:
    """Save the statements that make a schema under a name, KIND-KEY, and remove the oldest."""
    path = folder(project) / name
    write_whole(path, json.dumps(statements).encode())
    _prune(path)


def statements(project: Project, name: str) -> list[str] | None:
    """Return saved statements; None where there are none or the cache is off."""
    if not project.cache:
        return None
    try:
        return list(json.loads((folder(project) / name).read_bytes()))
    except (OSError, ValueError):
        return None


def catalog(project: Project, name: str) -> Catalog | None:
    """Return the catalog saved under a name; None where there is none or the cache is off.

    A file that was cut off, or written by a version with other classes, counts as not there.
    """
    from limbeck.schema.catalog import (  # noqa: PLC0415 - most commands need the fingerprint only
        store,
    )

    if not project.cache:
        return None
    try:
        with (folder(project) / name).open("rb") as file:
            file.readline()
            return store.loads(file.read())
    except (OSError, ValueError, KeyError, TypeError):
        return None


def fingerprint(project: Project, name: str) -> str | None:
    """Return the fingerprint of a saved catalog and the number of its tables; None as above.

    They are its first line. An earlier version wrote no number there.
    """
    if not project.cache:
        return None
    try:
        with (folder(project) / name).open("rb") as file:
            return file.readline().decode("ascii").strip() or None
    except (OSError, ValueError):
        return None


def _prune(path: Path) -> None:
    """Remove the oldest files of a kind."""
    kind = path.name.partition("-")[0]
    for old in sorted(path.parent.glob(f"{kind}-*"), key=_age)[:-MOST]:
        old.unlink(missing_ok=True)


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another command has removed it meanwhile
        return 0.0
