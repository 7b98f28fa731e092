"""Examine a project's environments and the servers that they need: `limbeck doctor`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from limbeck.dataclass import dataclass
from limbeck.errors import LimbeckError
from limbeck.events import Listener
from limbeck.logs import log
from limbeck.plurals import counted
from limbeck.postgres.connect import connect
from limbeck.postgres.database import Database
from limbeck.postgres.embedded import binaries
from limbeck.postgres.embedded.server import Server
from limbeck.project import servers as embedded
from limbeck.project import urls
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.project.seen import Completion, completions, note
from limbeck.run.understanding import Recorded, understand
from limbeck.schema.sql import quoting
from limbeck.shadow import servers
from limbeck.shadow.servers import Choice


@dataclass(frozen=True, slots=True)
class Remark:
    """Something missing or wrong, and what mends it; `fails` says whether the check fails."""

    text: str
    hint: str | None = None
    fails: bool = True


@dataclass(frozen=True, slots=True)
class Checkup:
    """The state of one environment.

    Args:
        environment: The name of its profile.
        place: Where its URL is set, such as `DATABASE_URL_QA in .env`.
        destination: Its address, without the password.
        reachable: Whether it answers; a local server that does not run can be started.
        declared: The major that its profile declares.
        major: The major that it has, as far as it is known.
        shadow: Where schemas are compared with it, or None without a server for that.
        shadow_major: The major of that server.
        remarks: What is missing or wrong.

    """

    environment: str
    place: str | None = None
    destination: str = ""
    reachable: bool = False
    declared: int | None = None
    major: int | None = None
    shadow: str | None = None
    shadow_major: int | None = None
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Examination:
    """What `limbeck doctor` has found; `facts` are lines about the project and the machine."""

    facts: tuple[tuple[str, str], ...]
    checkups: tuple[Checkup, ...]

    @property
    def healthy(self) -> bool:
        """Whether no remark fails the check."""
        return not any(remark.fails for each in self.checkups for remark in each.remarks)


def examine(
    project: Project, profiles: Sequence[Profile], *, listen: Listener = log
) -> Examination:
    """Return the state of each environment; nothing is changed.

    No server is started, but for a suspended compute at Neon, which a connection starts, and the
    shadow, if env.py has to run to tell what it configures.

    Args:
        project: The project.
        profiles: The environments.
        listen: Receives attempts to connect.

    """
    checkups = tuple(_checkup(project, each, listen) for each in profiles)
    return Examination((*facts(), *about(project)), checkups)


def facts() -> Iterator[tuple[str, str]]:
    """Yield the facts about this machine."""
    installed = binaries.majors()
    names = [f"{major} ({installed[major].source})" for major in sorted(installed, reverse=True)]
    yield "Postgres on this machine", ", ".join(names) or "none"


def about(project: Project) -> Iterator[tuple[str, str]]:
    """Yield the facts about a project: its history and models, what env.py configures, the rest."""
    understood = understand(project)
    if understood.history.revisions:
        yield "history", _history(understood.history)
    tables = understood.tables
    counts = () if tables is None else (f"{counted(tables, 'table')} from {project.models}",)
    yield "models", "; ".join([*counts, *understood.problems])
    yield "interpreter of the project", understood.interpreter
    reason = understood.outside
    yield "its code runs in", f"a process of its own: {reason}" if reason else "limbeck's process"
    if understood.env_problem:
        yield "env.py", understood.env_problem
    if understood.env.honoured:
        yield "env.py", f"limbeck follows {', '.join(understood.env.honoured)}"
    if understood.unsupported:
        yield "not supported", "; ".join(understood.unsupported)


def _history(recorded: Recorded) -> str:
    parts = [counted(recorded.revisions, "revision"), counted(len(recorded.heads), "head")]
    if recorded.lasting:
        parts[1] = f"{len(recorded.heads)} heads that stay ({', '.join(recorded.lasting)})"
    if recorded.depends_on:
        parts.append("depends_on")
    if recorded.folders > 1:
        parts.append(counted(recorded.folders, "folder"))
    return ", ".join(parts)


def complete(project: Project) -> tuple[Completion, ...]:
    """Write the majors that were seen into the profiles that declare none, and return them."""
    written = tuple(completions(project))
    for completion in written:
        completion.path.write_text(completion.text, encoding="utf-8")
    return written


def _checkup(project: Project, profile: Profile, listen: Listener) -> Checkup:
    checkup = Checkup(profile.name, declared=profile.postgres)
    try:
        url = urls.find_url(project, profile)
        checkup = replace(checkup, place=url.place)
        if url.local:
            checkup = _local(checkup, embedded.local(project, profile))
        else:
            checkup = _remote(checkup, project, profile, listen)
    except LimbeckError as error:
        return _noted(checkup, _remark(error))
    checkup = _beside(checkup, project, profile)
    return _noted(checkup, *_declaration(checkup, project, profile, local=url.local))


def _local(checkup: Checkup, server: Server) -> Checkup:
    programs = None if server.running() else server.find_binaries()
    major = server.version or (binaries.major(programs) if programs else None)
    state = "running" if programs is None else "starts on demand"
    return replace(checkup, destination=f"embedded, {state}", reachable=True, major=major)


def _remote(checkup: Checkup, project: Project, profile: Profile, listen: Listener) -> Checkup:
    database = urls.database(project, profile, listen)
    with connect(database, read_only=True, listen=listen) as connection:
        version = connection.info.server_version
    note(project, profile, version)
    return replace(
        checkup, destination=database.destination, reachable=True, major=version // 10000
    )


def _beside(checkup: Checkup, project: Project, profile: Profile) -> Checkup:
    """Add the server on which schemas are compared with the environment's."""
    if checkup.major is not None:
        project = project.on(checkup.major)
    try:
        choice = servers.choose(project, profile)
        checkup = replace(checkup, shadow=choice.source, shadow_major=_major(choice))
        return _noted(checkup, *_rights(choice))
    except LimbeckError as error:
        return _noted(checkup, _remark(error))


def _major(choice: Choice) -> int | None:
    """Return the major of a chosen server, which is not started."""
    if choice.major is not None:
        return choice.major
    if choice.server is not None:
        return choice.server.version or binaries.major(choice.server.find_binaries())
    with connect(choice.open()) as connection:
        return connection.info.server_version // 10000


def _rights(choice: Choice) -> Iterator[Remark]:
    """Yield a remark if the role may not create databases on a server that a setting names."""
    if choice.url is not None:
        database = Database.from_url(choice.source, choice.url)
    elif choice.environment is not None:
        database = urls.database(*choice.environment)
    else:
        return
    query = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
    with connect(database, read_only=True) as connection:
        if connection.execute(query).fetchone() == (False,):
            role = connection.info.user
            text = f"role {role} may not create databases on the server of {choice.source}"
            yield Remark(text, f"ALTER ROLE {quoting.quote(role)} CREATEDB")


def _declaration(
    checkup: Checkup, project: Project, profile: Profile, *, local: bool
) -> Iterator[Remark]:
    """Yield what is wrong with the declared major, or that none is declared."""
    declared, major = profile.postgres, checkup.major
    file = f"{project.profiles_dir.name}/{profile.name}.env"
    if major is None or declared == major:
        return
    if declared is not None:
        text = f"the profile declares Postgres {declared}, but the server is Postgres {major}"
        yield Remark(text, f"Write POSTGRES={major} into {file}.")
    elif not local:
        usual = _usual(project, profile)
        text = f"the profile does not declare that it is Postgres {major}"
        if usual != major:
            text += f"; revisions are proved on {f'Postgres {usual}' if usual else 'no server'}"
        yield Remark(text, "limbeck doctor --write", fails=usual != major)


def _usual(project: Project, profile: Profile) -> int | None:
    """Return the major on which revisions are proved as long as none is declared."""
    try:
        return _major(servers.choose(project, profile))
    except LimbeckError:
        return None


def _remark(error: LimbeckError) -> Remark:
    """Return an error as a remark, without the list of places that were searched."""
    return Remark(error.message.partition("; looked at:\n")[0], error.hint)


def _noted(checkup: Checkup, *remarks: Remark) -> Checkup:
    return replace(checkup, remarks=(*checkup.remarks, *remarks))
