"""Where an environment's database is: the places that are looked at, in order."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

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
    """A URL and the place where it was written, such as `DATABASE_URL_QA in .env`."""

    text: str = field(repr=False)
    place: str

    @property
    def local(self) -> bool:
        """Whether the embedded server is meant."""
        return self.text.lower() == LOCAL

    @property
    def neon(self) -> bool:
        """Whether Neon's API is to be asked for it."""
        return self.text == NEON


def find_url(project: Project, profile: Profile) -> FoundUrl:
    """The first URL found; in each place the direct one is preferred to the pooled one.

    Raises:
        MissingUrlError: there is none; names every place looked at.
    """
    places = tuple(_places(project, profile))
    for place, keys, settings in places:
        for key in keys:
            if settings.get(key, "").strip():
                return FoundUrl(settings[key].strip(), f"{key} in {place}")
    folder = project.profiles_dir.name
    if profile.neon_branch:
        return FoundUrl(NEON, f"NEON_BRANCH in {folder}/{profile.name}.env")
    looked = "; ".join(f"{keys[-1]} in {place}" for place, keys, _ in places)
    raise MissingUrlError(
        f"no URL for {profile.name}; looked for {looked}",
        hint=f"write {profile.variable}=postgresql://... into .env, "
        f"or DATABASE_URL=local into {folder}/{profile.name}.env",
    )


def is_at_neon(project: Project, profile: Profile) -> bool:
    """Whether an environment's branch is one of Neon's, whoever tells its URL."""
    if profile.neon_branch is None:
        return False
    return not find_url(project, profile).local


def database(project: Project, profile: Profile, listen: Listener = log) -> Database:
    """The database of an environment; for `local` the server runs and the branch is there.

    Raises:
        ConfigurationError: no URL, or one that must not be used; says where it is written.
        ServerError: the embedded server does not start.
    """
    found = find_url(project, profile)
    url = _url(project, profile, found, listen)
    try:
        made = timed(profile, url, listen)
    except ConfigurationError as error:
        raise type(error)(f"{found.place}: {error.message}", hint=error.hint) from None
    committed = found.place.endswith(f"/{profile.name}.env")
    if committed and not (found.local or found.neon) and "password" in made.parameters:
        listen(Notice(f"{found.place} has a password, and that file is meant to be committed"))
    return made


def timed(profile: Profile, url: str, listen: Listener = log) -> Database:
    """The database of a URL, protected and with the timeouts as the profile says.

    Raises:
        ConfigurationError: the URL must not be used.
    """
    from limbeck.postgres.database import Database  # noqa: PLC0415 - psycopg only when it is needed

    made = Database.from_url(
        profile.name,
        url,
        protected=profile.protected,
        allow_pooled_rewrite=profile.direct,
        listen=listen,
    )
    return replace(
        made,
        lock_timeout=profile.lock_timeout,
        lock_budget=profile.lock_budget,
        statement_timeout=profile.statement_timeout,
        transaction_timeout=profile.transaction_timeout,
        idle_in_transaction_session_timeout=profile.idle_in_transaction_session_timeout,
    )


def _url(project: Project, profile: Profile, found: FoundUrl, listen: Listener) -> str:
    """The URL itself: as it is written, of a branch on this machine, or as Neon tells it."""
    if found.local:
        return _local(project, profile, listen)
    if found.neon:
        return neon.branches(project, profile).url(profile.neon_branch or profile.branch)
    return found.text


def shadow_url(project: Project, profile: Profile | None = None) -> str | None:
    """SHADOW_DATABASE_URL of the process, of .env or of a profile; None is the embedded server."""
    name = "SHADOW_DATABASE_URL"
    given = os.environ.get(name) or dotenv.read(project.root / ".env").get(name)
    chosen = (given or (profile and profile.shadow_url) or LOCAL).strip()
    return None if chosen.lower() == LOCAL else chosen


def _places(
    project: Project, profile: Profile
) -> Iterator[tuple[str, tuple[str, ...], dict[str, str]]]:
    """Each place with the keys looked for there, the preferred first, and what it holds."""
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
    """Start the embedded server, make the branch and those it descends from, give its URL."""
    from limbeck.branches.local import LocalBranches, database_name  # noqa: PLC0415 - the same
    from limbeck.postgres.embedded.server import Server  # noqa: PLC0415 - only for a local branch

    server = Server(project.home)
    server.start(listen)
    lineage = _lineage(project, profile)
    known = server.known / _digest(profile.branch)
    wanted = _digest(*((each.branch, each.parent, each.protected) for each in lineage))
    seen, oid = known.read_text().split() if known.exists() else ("", "0")
    # What was made once needs no connection to be looked at again: one is all a verb opens.
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
        # Another command may have made it meanwhile, and that is as good.
        if wanted.branch not in {branch.name for branch in branches.all()}:
            raise
    else:
        listen(BranchCreated(wanted.branch, wanted.parent))


def _lineage(project: Project, profile: Profile) -> list[Profile]:
    """The profile and those of the branches it descends from, the oldest first."""
    known = {each.branch: each for each in project.profiles()} | {profile.branch: profile}
    line = [profile]
    while line[-1].parent is not None:
        name = line[-1].parent
        line.append(known.get(name) or Profile(name, name))
        if name in {each.branch for each in line[:-1]}:
            raise ConfigurationError(
                f"the branches are each other's parents: {' → '.join(x.branch for x in line)}",
                hint="remove PARENT from one of their profiles",
            )
    return line[::-1]
