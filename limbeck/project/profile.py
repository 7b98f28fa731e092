"""Read profiles: the files env_profiles/<name>.env, one for each environment."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.errors import ConfigurationError
from limbeck.project import dotenv
from limbeck.shell import command

KEYS = {
    "BRANCH": "the database branch; by default the profile's name",
    "NEON_BRANCH": "the branch at Neon; Neon's API gives its URL if none is set",
    "NEON_DATABASE": "the database, if the branch has several",
    "NEON_ROLE": "the role that connects; by default the database's owner",
    "PARENT": "the branch that it is created from and reset to",
    "PROTECTED": "yes: a change needs the environment's name typed, or --yes",
    "DATABASE_URL": "local, or a URL (with a password only in <name>.local.env)",
    "DATABASE_URL_UNPOOLED": "the direct URL, preferred to DATABASE_URL",
    "SSLMODE": "verify-full: check the server's certificate; replaces the URL's sslmode",
    "POSTGRES": "the major version of its server, such as 17; revisions are proved on it",
    "SHADOW_DATABASE_URL": "a server for scratch databases, instead of the embedded one",
    "SHADOW": "an environment on whose server scratch databases are created at need",
    "LOCK_TIMEOUT": "the longest wait for a lock before a step is rolled back, 500ms",
    "LOCK_BUDGET": "how long such a step is retried, 60s",
    "STATEMENT_TIMEOUT": "how long a statement may run, such as 10min",
    "TRANSACTION_TIMEOUT": "how long a transaction may take, from Postgres 17 on",
    "IDLE_IN_TRANSACTION_SESSION_TIMEOUT": "how long a transaction may be idle",
    "VERSIONS": "a folder of revisions, for a history of its own",
    "DIRECT": "allow: replace a pooled host by the direct one",
    "ZERO_DOWNTIME": "yes: breaking changes of its history are split into phases",
}
"""The settings of a profile, with their meaning."""

FLEET_KEYS = {
    "URLS": "a file with a URL in each line, after a name or alone",
    "QUERY": "an environment, a space, and a query of its database that returns names and URLs",
    "DATABASES": "a pattern of databases on the server of ENVIRONMENT",
    "NEON_PROJECTS": "a part of the names of projects at Neon",
    "NEON_BRANCHES": "a pattern of branches of the Neon project",
    "ENVIRONMENT": "the environment whose server has the databases",
    "CANARIES": "the databases that are migrated first: names with commas, or a number",
    "WAVES": "the sizes of the waves, such as 1,10,100,all",
    "GATE": "a command that must exit 0 before the next wave",
    "PAUSE": "how long to wait before the next wave, such as 10min",
    "AT_ONCE": "how many databases of a server are migrated at the same time, 8",
    "MAX_FAILURES": "how many databases may fail before the run stops, 0",
    "TEMPLATE": "the database or branch that `limbeck fleet create` copies",
}
"""The further settings of a fleet, in env_profiles/<name>.fleet.env."""
FLEET = ".fleet"
"""The end of the name of a fleet's files, before .env and .local.env."""

_TRUE, _FALSE = {"1", "yes", "true", "on", "allow"}, {"0", "no", "false", "off", "refuse"}
_SSLMODES = ("require", "verify-ca", "verify-full")
_DURATION = re.compile(r"\d+\s*(us|ms|s|min|h|d)?")
# Older servers lack what the catalog queries ask for; a newer one is not known yet, but may work.
OLDEST_MAJOR, NEWEST_MAJOR = 14, 30
# `neon env pull` and Vercel write these beside a URL into an untracked file.
_FOREIGN = ("NEON_", "PG", "POSTGRES_", "VERCEL_", "STACK_", "VITE_", "NEXT_PUBLIC_")


@dataclass(frozen=True, slots=True)
class Profile:
    """One environment; timeouts are spelled as in Postgres, None leaves the server's."""

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
    postgres: int | None = None
    shadow: str | None = None
    shadow_url: str | None = field(default=None, repr=False)
    neon_branch: str | None = None
    neon_database: str | None = None
    neon_role: str | None = None
    sslmode: str | None = None

    @property
    def variable(self) -> str:
        """The variable of its URL in the process environment and in .env."""
        return "DATABASE_URL_" + self.suffix

    @property
    def generate(self) -> str:
        """The command that writes a revision into its folder."""
        return command("limbeck", "generate", *(("-e", self.name) if self.versions else ()))

    @property
    def suffix(self) -> str:
        """Its name as a part of the names of variables."""
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
        """Return the settings of both files; the untracked one wins, empty values are unset.

        Raises:
            ConfigurationError: a key is unknown, or only the committed file may have it.

        """
        keys = KEYS | FLEET_KEYS if self.name.endswith(FLEET) else KEYS
        own = read_settings(self.untracked, foreign=_FOREIGN, keys=keys)
        if "POSTGRES" in own:
            raise ConfigurationError(
                f"{self.folder.name}/{self.untracked.name}: POSTGRES decides which SQL revisions "
                "have, so it must be the same for everybody",
                hint=f"Write it into {self.folder.name}/{self.committed.name}.",
            )
        return read_settings(self.committed, keys=keys) | own


def names(folder: Path) -> tuple[str, ...]:
    """Return the names of the profiles in a folder, sorted.

    Raises:
        ConfigurationError: a file has a name that an environment cannot have, or two environments
            would have the same variable.

    """
    files = {path.name.removesuffix(".env").removesuffix(".local") for path in folder.glob("*.env")}
    files.discard("")  # .env itself
    files = {name for name in files if not name.endswith(FLEET)}
    for name in sorted(files):
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
            raise ConfigurationError(
                f"{folder.name}/{name}.env: an environment's name has letters, digits, - and _",
                hint="Rename the file.",
            )
    _refuse_twins(sorted(files))
    return tuple(sorted(files))


def load(root: Path, folder: Path, name: str) -> Profile:
    """Read one profile from its files.

    Raises:
        ConfigurationError: a key is unknown or a value invalid; names the profile.

    """
    settings = ProfileFiles(folder, name).settings()

    def value(key: str, convert: Callable[[str, str], str] | None = None) -> str | None:
        text = settings.get(key)
        return convert(key, text) if text and convert else text

    def yes(key: str) -> bool:
        return _flag(name, key, settings.get(key, "no"))

    def duration(key: str, default: str | None = None) -> str | None:
        return _duration(name, key, settings[key]) if key in settings else default

    name = name.removesuffix(FLEET)
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
        postgres=_major(name, settings["POSTGRES"]) if "POSTGRES" in settings else None,
        shadow=value("SHADOW"),
        shadow_url=value("SHADOW_DATABASE_URL"),
        neon_branch=value("NEON_BRANCH"),
        neon_database=value("NEON_DATABASE"),
        neon_role=value("NEON_ROLE"),
        sslmode=_sslmode(name, value("SSLMODE")),
    )


def fleets(folder: Path) -> tuple[str, ...]:
    """Return the names of the fleets in a folder, sorted."""
    ends = (f"{FLEET}.env", f"{FLEET}.local.env")
    files = {path.name.removesuffix(end) for end in ends for path in folder.glob(f"*{end}")}
    return tuple(sorted(files))


def is_fleet(folder: Path, name: str | None) -> bool:
    """Return whether a name is that of a fleet, env_profiles/<name>.fleet.env."""
    return name is not None and name in fleets(folder)


def read_settings(
    path: Path, *, foreign: tuple[str, ...] = (), keys: Mapping[str, str] = KEYS
) -> dict[str, str]:
    """Return the settings of one file; keys that begin with a foreign prefix are skipped.

    Args:
        path: the file.
        foreign: the prefixes of keys that other programs write.
        keys: the settings that it may have.

    Raises:
        ConfigurationError: a key is unknown; suggests a similar one.

    """
    settings = {}
    for entry in dotenv.entries(path):
        if entry.key in keys:
            settings[entry.key] = entry.value or ""
        elif not (foreign and entry.key.startswith(foreign)):
            raise _unknown_key(path, entry, keys)
    return {key: text for key, text in settings.items() if text}


def _unknown_key(path: Path, entry: dotenv.Entry, keys: Mapping[str, str]) -> ConfigurationError:
    near = difflib.get_close_matches(entry.key.upper(), keys, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    # What does not look like a key may be a password.
    key = entry.key if near or re.fullmatch(r"[A-Z][A-Z0-9_]{0,40}", entry.key) else "the key"
    return ConfigurationError(
        f"{dotenv.shown(path)} line {entry.line}: {key} is no setting of a profile",
        hint=f"{hint}The settings are {', '.join(keys)}.",
    )


def _refuse_twins(names_: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in names_:
        variable = Profile(name, name).variable
        other = seen.setdefault(variable, name)
        if other != name:
            raise ConfigurationError(
                f"the environments {other} and {name} would share the variable {variable}",
                hint="Rename one of them.",
            )


def _flag(name: str, key: str, text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise ConfigurationError(
            f"{name}: {key}={text} is neither yes nor no", hint=f"Write {key}=yes."
        )
    return text.lower() in _TRUE


def _major(name: str, text: str) -> int:
    if not text.isdigit() or not OLDEST_MAJOR <= int(text) <= NEWEST_MAJOR:
        raise ConfigurationError(
            f"{name}: POSTGRES={text} is not a major version of Postgres that limbeck supports",
            hint=f"Write the number alone, {OLDEST_MAJOR} or newer: POSTGRES=17.",
        )
    return int(text)


def _sslmode(name: str, text: str | None) -> str | None:
    if text not in {None, *_SSLMODES}:
        raise ConfigurationError(
            f"{name}: SSLMODE={text} is none of {', '.join(_SSLMODES)}",
            hint="Write SSLMODE=verify-full.",
        )
    return text


def _duration(name: str, key: str, text: str) -> str:
    if not _DURATION.fullmatch(text):
        raise ConfigurationError(
            f"{name}: {key}={text} is not a time that Postgres knows",
            hint=f"Write it as in {key}=5s; the units are ms, s, min, h and d, and 0 is no limit.",
        )
    return text.replace(" ", "")
