"""The servers of other majors that tests can start: installed ones, and those of `make majors`."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

from limbeck.postgres.embedded import binaries

REPOSITORY = Path(__file__).parents[2]
INSTALLED = REPOSITORY / ".venv" / "majors" / "node_modules"
CLIENTS = ("psql", "pg_dump")


@cache
def programs() -> dict[int, Path]:
    """Return the folders with the programs of each major at hand, the one of the run included."""
    own = binaries.find()
    installed = {int(path.name[2:]): _prepared(path) for path in sorted(INSTALLED.glob("pg*"))}
    others = {major: each.folder for major, each in binaries.majors().items()}
    return {**others, **installed, binaries.major(own): own.folder}


def _prepared(package: Path) -> Path:
    """Return the programs of a package of npm, with the links that it lacks.

    It has its links in a list, which npm makes links of only if scripts are allowed; and it has no
    client programs. Those of the run's own Postgres are newer, which they may be.
    """
    for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):
        _link(package / link["target"], package / link["source"])
    folder = package / "native" / "bin"
    others = {name: value for name, value in os.environ.items() if name != binaries.SETTING}
    clients = binaries.find(environment=others)
    for name in CLIENTS:
        _link(folder / name, Path(clients.program(name)))
    return folder


def _link(path: Path, to: Path) -> None:
    if path.is_symlink() or path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")  # another worker may do the same
    temporary.symlink_to(to.resolve())
    temporary.replace(path)


if __name__ == "__main__":
    for major, folder in sorted(programs().items()):
        print(major, folder)  # noqa: T201 - `make majors` shows what it runs on
