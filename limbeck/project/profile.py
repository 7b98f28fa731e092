"""Profiles: one environment each, a file env_profiles/<name>.env."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from limbeck.errors import ConfigurationError
from limbeck.project import dotenv

KEYS = {
    "BRANCH": "the database branch; the profile's own name when it is not written",
    "NEON_BRANCH": "the same at Neon: the URL is asked from Neon's API where none is written",
    "NEON_DATABASE": "which of the branch's databases, where there are several",
    "NEON_ROLE": "who connects; the database's owner when it is not written",
    "PARENT": "the branch that it is made from, and reset to",
    "PROTECTED": "yes: changes need the environment's name typed, or --yes",
    "DATABASE_URL": "local, or a URL (with a password only in <name>.local.env)",
    "DATABASE_URL_UNPOOLED": "the direct URL, preferred to DATABASE_URL",
    "SHADOW_DATABASE_URL": "a server for scratch databases, instead of the embedded one",
    "LOCK_TIMEOUT": "how long a statement waits for a lock before its step is rolled back, 500ms",
    "LOCK_BUDGET": "for how long such a step is tried again, 60s",
    "STATEMENT_TIMEOUT": "how long a statement may run, such as 10min",
    "TRANSACTION_TIMEOUT": "how long a transaction may take, from Postgres 17 on",
    "IDLE_IN_TRANSACTION_SESSION_TIMEOUT": "how long a transaction may do nothing",
    "VERSIONS": "a folder of revisions of its own, for a history apart from the others",
    "DIRECT": "allow: a pooled host is changed to the direct one",
    "ZERO_DOWNTIME": "yes: breaking changes of its history are made in phases",
}
"""What may stand in a profile, and what it means."""

_TRUE, _FALSE = {"1", "yes", "true", "on", "allow"}, {"0", "no", "false", "off", "refuse"}
_DURATION = re.compile(r"\d+\s*(us|ms|s|min|h|d)?")
# What `neon env pull` and Vercel write beside a URL; in an untracked file it is nobody's mistake.
_FOREIGN = ("NEON_", "PG", "POSTGRES_", "VERCEL_", "STACK_", "VITE_", "NEXT_PUBLIC_")


@dataclass(frozen=True, slots=True)
class Profile:
    """One environment; the timeouts are spelt as in Postgres, None leaves the server's."""

    name: str
    branch: str
    parent: str | None = None
    protected: bool = False
    lock_timeout: str | None = "500ms"
    lock_budget: str = "60s"
    statement_timeout: str | None = None
    transaction_timeout: str | None = None
    idle_in_transaction_session_timeout: str | None = None
    versions: Path | None = None
    direct: bool = False
    zero_downtime: bool = False
    shadow_url: str | None = field(default=None, repr=False)
    neon_branch: str | None = None
    neon_database: str | None = None
    neon_role: str | None = None

    @property
    def variable(self) -> str:
        """The name under which the process environment and .env give its URL."""
        return "DATABASE_URL_" + self.suffix

    @property
    def suffix(self) -> str:
        """Its name as it stands in the names of variables."""
        return self.name.upper().replace("-", "_")


@dataclass(frozen=True, slots=True)
class ProfileFiles:
    """The files of one profile: the committed one and the untracked one that overrides it."""

    folder: Path
    name: str

    @property
    def committed(self) -> Path:
        """env_profiles/<name>.env."""
        return self.folder / f"{self.name}.env"

    @property
    def untracked(self) -> Path:
        """env_profiles/<name>.local.env."""
        return self.folder / f"{self.name}.local.env"

    def settings(self) -> dict[str, str]:
        """What both files say, the untracked one last; empty values count as unset."""
        return read_settings(self.committed) | read_settings(self.untracked, foreign=_FOREIGN)


def names(folder: Path) -> tuple[str, ...]:
    """The profiles of a folder, sorted.

    Raises:
        ConfigurationError: a file's name cannot be an environment's, or two are one variable.
    """
    found = {path.name.removesuffix(".env").removesuffix(".local") for path in folder.glob("*.env")}
    found.discard("")
    for name in sorted(found):
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
            raise ConfigurationError(
                f"{folder.name}/{name}.env: an environment's name has letters, digits, - and _",
                hint="rename the file",
            )
    _refuse_twins(sorted(found))
    return tuple(sorted(found))


def load(root: Path, folder: Path, name: str) -> Profile:
    """One profile out of its files.

    Raises:
        ConfigurationError: an unknown key or a value that cannot be; names the file's profile.
    """
    settings = ProfileFiles(folder, name).settings()

    def value(key: str, convert: Callable[[str, str], str] | None = None) -> str | None:
        text = settings.get(key)
        return convert(key, text) if text and convert else text

    def yes(key: str) -> bool:
        return _flag(name, key, settings.get(key, "no"))

    def duration(key: str, default: str | None = None) -> str | None:
        return _duration(name, key, settings[key]) if key in settings else default

    return Profile(
        name=name,
        branch=value("BRANCH") or value("NEON_BRANCH") or name,
        parent=value("PARENT"),
        protected=yes("PROTECTED"),
        lock_timeout=duration("LOCK_TIMEOUT", "500ms"),
        lock_budget=duration("LOCK_BUDGET") or "60s",
        statement_timeout=duration("STATEMENT_TIMEOUT"),
        transaction_timeout=duration("TRANSACTION_TIMEOUT"),
        idle_in_transaction_session_timeout=duration("IDLE_IN_TRANSACTION_SESSION_TIMEOUT"),
        versions=root / settings["VERSIONS"] if "VERSIONS" in settings else None,
        direct=yes("DIRECT"),
        zero_downtime=yes("ZERO_DOWNTIME"),
        shadow_url=value("SHADOW_DATABASE_URL"),
        neon_branch=value("NEON_BRANCH"),
        neon_database=value("NEON_DATABASE"),
        neon_role=value("NEON_ROLE"),
    )


def read_settings(path: Path, *, foreign: tuple[str, ...] = ()) -> dict[str, str]:
    """The settings of one file; keys that begin like a foreign one are skipped.

    Raises:
        ConfigurationError: an unknown key, with what it may have been meant to be.
    """
    found = {}
    for entry in dotenv.read_strictly(path):
        if entry.key in KEYS:
            found[entry.key] = entry.value or ""
        elif not (foreign and entry.key.startswith(foreign)):
            raise _unknown_key(path, entry)
    return {key: text for key, text in found.items() if text}


def _unknown_key(path: Path, entry: dotenv.Entry) -> ConfigurationError:
    near = difflib.get_close_matches(entry.key.upper(), KEYS, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return ConfigurationError(
        f"{path.parent.name}/{path.name} line {entry.line}: {entry.key} is no setting of a profile",
        hint=f"{hint}known are {', '.join(KEYS)}",
    )


def _refuse_twins(found: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in found:
        variable = Profile(name, name).variable
        other = seen.setdefault(variable, name)
        if other != name:
            raise ConfigurationError(
                f"the environments {other} and {name} would share the variable {variable}",
                hint="rename one of them",
            )


def _flag(name: str, key: str, text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise ConfigurationError(f"{name}: {key}={text} is neither yes nor no", hint=f"{key}=yes")
    return text.lower() in _TRUE


def _duration(name: str, key: str, text: str) -> str:
    if not _DURATION.fullmatch(text):
        raise ConfigurationError(
            f"{name}: {key}={text} is not a time that Postgres knows",
            hint=f"{key}=5s; the units are ms, s, min, h and d, and 0 is without end",
        )
    return text.replace(" ", "")
