"""Find the URL of an environment's database, in several places and in a fixed order."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING

from limbeck.dataclass import dataclass
from limbeck.errors import BranchError, ConfigurationError, MissingUrlError
from limbeck.events import BranchCreated, Listener, Notice
from limbeck.logs import log
from limbeck.project import dotenv, neon
from limbeck.project.profile import Profile, ProfileFiles
from limbeck.project.project import Project

if TYPE_CHECKING:
    from limbeck.branches.local import LocalBranches
    from limbeck.postgres.database import Database

LOCAL = "local"
NEON = "neon"


@dataclass(frozen=True, slots=True)
class FoundUrl:
    """A URL and the place where it is set, such as `DATABASE_URL_QA in .env`."""

    text: str = field(repr=False)
    place: str

    @property
    def local(self) -> bool:
        """Whether it stands for a branch on the embedded server."""
        return self.text.lower() == LOCAL

    @property
    def neon(self) -> bool:
        """Whether Neon's API gives the URL."""
        return self.text == NEON


def find_url(project: Project, profile: Profile) -> FoundUrl:
    """Return the first URL; in each place the direct one is preferred to the pooled one.

    Raises:
        MissingUrlError: there is none; names every place that was searched.

    """
    places = tuple(_places(project, profile))
    for place, keys, settings in places:
        for key in keys:
            if settings.get(key, "").strip():
                return FoundUrl(settings[key].strip(), f"{key} in {place}")
    folder = project.profiles_dir.name
    if profile.neon_branch:
        return FoundUrl(NEON, f"NEON_BRANCH in {folder}/{profile.name}.env")
    searched = "; ".join(f"{keys[-1]} in {place}" for place, keys, _ in places)
    raise MissingUrlError(
        f"no URL for {profile.name}; looked for {searched}",
        hint=f"Write {profile.variable}=postgresql://... into .env, "
        f"or DATABASE_URL=local into {folder}/{profile.name}.env.",
    )


def is_at_neon(project: Project, profile: Profile) -> bool:
    """Return whether an environment's branch is at Neon, wherever its URL is set."""
    if profile.neon_branch is None:
        return False
    return not find_url(project, profile).local


def database(project: Project, profile: Profile, listen: Listener = log) -> Database:
    """Return the database of an environment; for `local`, start the server and create the branch.

    Raises:
        ConfigurationError: there is no URL, or one that must not be used; names where it is set.
        ServerError: the embedded server does not start.
        LimbeckError: the project knows that the environment is absent.

    """
    if error := project.absent.get(profile.name):
        raise error
    setting = find_url(project, profile)
    url = _url(project, profile, setting, listen)
    try:
        database_ = timed(profile, url, listen)
    except ConfigurationError as error:
        raise type(error)(f"{setting.place}: {error.message}", hint=error.hint) from None
    committed = setting.place.endswith(f"/{profile.name}.env")
    if committed and not (setting.local or setting.neon) and "password" in database_.parameters:
        listen(Notice(f"{setting.place} has a password, and that file is meant to be committed"))
    if project.tenant is not None or project.hides:
        return replace(database_, tenant=project.tenant, hides=project.hides)
    return database_


def timed(profile: Profile, url: str, listen: Listener = log) -> Database:
    """Return the database of a URL, with the profile's protection, sslmode and timeouts.

    Raises:
        ConfigurationError: the URL must not be used.

    """
    from limbeck.postgres import tls  # noqa: PLC0415 - psycopg only when it is needed
    from limbeck.postgres import url as texts  # noqa: PLC0415 - the same
    from limbeck.postgres.database import Database  # noqa: PLC0415 - the same

    strict = tls.verified(texts.parse(url), profile.sslmode)
    plain = Database.from_url(
        profile.name,
        texts.render(strict),
        protected=profile.protected,
        allow_pooled_rewrite=profile.direct,
        listen=listen,
    )
    return replace(
        plain,
        lock_timeout=profile.lock_timeout,
        lock_budget=profile.lock_budget,
        statement_timeout=profile.statement_timeout,
        transaction_timeout=profile.transaction_timeout,
        idle_in_transaction_session_timeout=profile.idle_in_transaction_session_timeout,
    )


def _url(project: Project, profile: Profile, setting: FoundUrl, listen: Listener) -> str:
    """Return the URL as it is set, or that of a branch on this machine or at Neon."""
    if setting.local:
        return _local(project, profile, listen)
    if setting.neon:
        return neon.branches(project, profile).url(profile.neon_branch or profile.branch)
    return setting.text


def shadow_url(project: Project, profile: Profile | None = None) -> str | None:
    """Return SHADOW_DATABASE_URL of the process, .env or a profile; None is the embedded server."""
    name = "SHADOW_DATABASE_URL"
    given = os.environ.get(name) or dotenv.read(project.root / ".env").get(name)
    chosen = (given or (profile and profile.shadow_url) or LOCAL).strip()
    return None if chosen.lower() == LOCAL else chosen


def _places(
    project: Project, profile: Profile
) -> Iterator[tuple[str, tuple[str, ...], dict[str, str]]]:
    """Yield each place with the keys to look for, the preferred one first, and its settings."""
    named = (
        f"{profile.variable}_UNPOOLED",
        f"DATABASE_URL_UNPOOLED_{profile.suffix}",
        profile.variable,
    )
    plain = ("DATABASE_URL_UNPOOLED", "DATABASE_URL")
    files = ProfileFiles(project.profiles_dir, profile.name)
    yield "the process environment", named, dict(os.environ)
    yield ".env", named, dotenv.read(project.root / ".env")
    for path in (files.untracked, files.committed):
        yield f"{path.parent.name}/{path.name}", plain, dotenv.read(path)


def _local(project: Project, profile: Profile, listen: Listener) -> str:
    """Start the embedded server, create the branch and its ancestors, and return its URL."""
    from limbeck.branches.local import LocalBranches, database_name  # noqa: PLC0415 - the same
    from limbeck.project import servers  # noqa: PLC0415 - only for a local branch

    lineage = _lineage(project, profile)
    server = servers.local(project, profile)
    if other := servers.left(project, server):
        listen(
            Notice(
                f"the profiles declare Postgres {server.major}: local branches are created anew; "
                f"those of Postgres {other.version} stay in {other.home}"
            )
        )
    server.start(listen)
    known = server.known / _digest(profile.branch)
    wanted = _digest(*((each.branch, each.parent, each.protected) for each in lineage))
    seen, oid = known.read_text().split() if known.exists() else ("", "0")
    # The file saves a connection: for a branch that exists, a command opens only its own.
    if seen != wanted or not server.holds(int(oid)):
        branches = LocalBranches(server, listen)
        _make(branches, lineage, listen)
        known.parent.mkdir(exist_ok=True)
        known.write_text(f"{wanted} {branches.oid(profile.branch) or 0}")
    return server.url(database_name(profile.branch))


def _digest(*values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


def _make(branches: LocalBranches, lineage: Sequence[Profile], listen: Listener) -> None:
    there = {branch.name: branch.protected for branch in branches.all()}
    for wanted in lineage:
        if wanted.branch not in there:
            _create(branches, wanted, listen)
        elif there[wanted.branch] != wanted.protected:
            branches.protect(wanted.branch, wanted.protected)


def _create(branches: LocalBranches, wanted: Profile, listen: Listener) -> None:
    try:
        branches.create(wanted.branch, wanted.parent, protected=wanted.protected)
    except BranchError:
        # Another command may have created it meanwhile, which is as good.
        if wanted.branch not in {branch.name for branch in branches.all()}:
            raise
    else:
        listen(BranchCreated(wanted.branch, wanted.parent))


def _lineage(project: Project, profile: Profile) -> list[Profile]:
    """Return the profile and those of the branches that it descends from, the oldest first."""
    known = {each.branch: each for each in project.profiles()} | {profile.branch: profile}
    line = [profile]
    while line[-1].parent is not None:
        name = line[-1].parent
        line.append(known.get(name) or Profile(name, name))
        if name in {each.branch for each in line[:-1]}:
            raise ConfigurationError(
                f"the branches are each other's parents: {' → '.join(x.branch for x in line)}",
                hint="Remove PARENT from one of their profiles.",
            )
    _refuse_two_majors(line)
    return line[::-1]


def _refuse_two_majors(line: Sequence[Profile]) -> None:
    declared = {each.postgres: each.name for each in line if each.postgres is not None}
    if len(declared) > 1:
        names = " and ".join(f"{name} has POSTGRES={major}" for major, name in declared.items())
        raise ConfigurationError(
            f"{names}, but they are copies of each other on one server of this machine",
            hint="Declare one major in both profiles, or remove PARENT.",
        )
