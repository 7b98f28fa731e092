"""Catalogs kept on disk under a hash of what they were made of."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.project.project import Project

if TYPE_CHECKING:
    from limbeck.schema.catalog.catalog import Catalog

MOST = 20


def folder(project: Project) -> Path:
    """Return where a project keeps its catalogs, and what is known about them."""
    return project.home / "cache"


def keep(project: Project, name: str, catalog: Catalog) -> Catalog:
    """Keep a catalog under a name, kind-key; the oldest of its kind give way."""
    from limbeck.schema.catalog import store  # noqa: PLC0415 - most commands keep nothing

    path = folder(project) / name
    write(path, f"{catalog.fingerprint()}\n".encode() + store.dumps(catalog))
    kind = name.partition("-")[0]
    for old in sorted(path.parent.glob(f"{kind}-*"), key=_age)[:-MOST]:
        old.unlink(missing_ok=True)
    return catalog


def catalog(project: Project, name: str) -> Catalog | None:
    """Return the catalog that is kept under a name, if there is one and it may be used."""
    from limbeck.schema.catalog import (  # noqa: PLC0415 - most commands need the fingerprint only
        store,
    )

    if not project.cache:
        return None
    try:
        return store.loads((folder(project) / name).read_bytes().partition(b"\n")[2])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def fingerprint(project: Project, name: str) -> str | None:
    """Return the fingerprint of a kept catalog, without reading all of it."""
    if not project.cache:
        return None
    try:
        with (folder(project) / name).open("rb") as file:
            return file.readline().decode("ascii").strip() or None
    except (OSError, ValueError):
        return None


def write(path: Path, content: bytes) -> None:
    """Write a file of the cache at once and whole; a cache that cannot be written is none."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(path)


def _age(path: Path) -> float:
    return path.stat().st_mtime
