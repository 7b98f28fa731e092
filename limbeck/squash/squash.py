"""The verb: write one revision for several, prove it, and put it in their place."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from limbeck import diff
from limbeck.catalog.catalog import Catalog
from limbeck.catalog.read import read
from limbeck.database import Database, connect
from limbeck.errors import ConfigurationError, ProofError
from limbeck.events import Listener, StageStarted
from limbeck.generate.draft import Draft, following
from limbeck.generate.proof import Premises, proven
from limbeck.history import History, Revision, statements
from limbeck.history.revisions import shown
from limbeck.logs import log
from limbeck.revision import render
from limbeck.settings import Profile, Project
from limbeck.sources import Replay, Shadow
from limbeck.sources.filters import filters
from limbeck.squash.contents import Contents, contents
from limbeck.squash.line import Line, line, refuse_phases
from limbeck.squash.positions import refuse_middle
from limbeck.squash.verbatim import verbatim as joined

_DATA = re.compile(
    r"(INSERT|UPDATE|DELETE|MERGE|TRUNCATE|COPY|WITH|SELECT|CALL|DO)\b", re.IGNORECASE
)
_ASKS = "-- "
_CAN_KEEP = "Keep the code of the revisions as it is: --verbatim"


@dataclass(frozen=True, slots=True)
class Squash:
    """The revision that replaces others; `path` is None where nothing was written.

    `left_out` holds (revision, statement) pairs that change rows, and find none on a database
    that is made from nothing; with `verbatim` nothing is left out.
    """

    replaced: tuple[Revision, ...]
    text: str
    path: Path | None = None
    verbatim: bool = False
    left_out: tuple[tuple[Revision, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Work:
    project: Project
    profile: Profile | None
    history: History
    line: Line
    listen: Listener

    def template(self, revision: str | None) -> str:
        """The name of a database on the shadow that is at a revision; None is before the first."""
        if revision is None:
            return "template0"
        return Replay(self.project, revision, self.profile, self.listen).template()

    @property
    def shadow(self) -> Shadow:
        return Shadow.of(self.project, self.profile, listen=self.listen)

    @property
    def seeing_all(self) -> Project:
        """The project as if it looked at everything: nothing may get lost unseen."""
        empty: tuple[str, ...] = ()
        return replace(
            self.project,
            include_schemas=empty,
            exclude_schemas=empty,
            include_tables=empty,
            exclude_tables=empty,
            grants=True,
        )


@dataclass(frozen=True, slots=True)
class _Sides:
    """What the revisions start from and come to."""

    before: Catalog
    after: Catalog
    contents: Contents


def squash(  # noqa: PLR0913 - all but the project are asked for by name
    project: Project,
    profile: Profile | None = None,
    *,
    first: str | None = None,
    last: str = "head",
    message: str | None = None,
    verbatim: bool = False,
    keep: bool = True,
    force: bool = False,
    listen: Listener = log,
) -> Squash:
    """Put one revision in the place of several that follow one another.

    It has the id of the last of them: a database that has them all has the new one, and knows no
    difference. From base on the schema is written anew, out of what the revisions make. Revisions
    after others, whose tables have rows, keep their code, one after the other.

    On the shadow it is proved that the new one makes the same objects and rows as those it
    replaces, that its downgrade leaves no trace, and that what follows comes to the same.

    Args:
        project: whose history it is.
        profile: an environment with a history of its own.
        first: the first revision that is replaced; the first of all without it.
        last: the last one.
        message: what the new revision says of itself.
        verbatim: keep the code of revisions from base on, too.
        keep: write it; else it is only made and proved.
        force: also where git does not have the files as they are.
        listen: told of the stages.

    Raises:
        ConfigurationError: there is nothing to squash, or git lacks a file.
        HistoryError: the revisions are no plain line, or their code does not go into one file.
        CheckFailedError: an environment is in the middle of them.
        ProofError: it would not come to the same; says what is lost, and nothing was written.

    """
    history = History.of(project, profile)
    work = _Work(project, profile, history, line(history, first, last), listen)
    as_written = verbatim or work.line.after is not None
    refuse_phases(work.line, verbatim=as_written)
    refuse_middle(project, history, work.line, listen)
    if keep and not force:
        _refuse_unsaved(work.line)
    sides = _sides(work)
    if sides.contents.tables and not as_written:
        _refuse_rows(work, sides.contents)
    with following(project, history, work.line.after) as unfinished:
        return _written(work, sides, unfinished, message, as_written=as_written, keep=keep)


def _written(  # noqa: PLR0913 - what, from what, where to, and how
    work: _Work,
    sides: _Sides,
    unfinished: Draft,
    message: str | None,
    *,
    as_written: bool,
    keep: bool,
) -> Squash:
    written = _write(work, sides, unfinished, message, as_written=as_written)
    text = written.path.read_text(encoding="utf-8")
    work.listen(StageStarted("proving the new revision on the shadow"))
    premises = Premises(
        work.seeing_all,
        work.shadow,
        work.template(work.line.after),
        sides.before,
        sides.after,
    )
    with proven(premises, unfinished.history, written) as (database, _):
        _refuse_loss(sides.contents, contents(database), verbatim=as_written)
        _prove_the_rest(work, database)
    left_out = () if as_written else tuple(_left_out(work))
    made = Squash(work.line.revisions, text, None, as_written, left_out)
    if not keep:
        return made
    old = [one.path for one in work.line.revisions]
    return replace(made, path=unfinished.keep_instead(written, old))


def _write(
    work: _Work, sides: _Sides, unfinished: Draft, message: str | None, *, as_written: bool
) -> Revision:
    last, above = work.line.last, _declared(work)
    if as_written:
        code = joined(work.line.revisions)
        upgrade, downgrade, above = code.upgrade, code.downgrade, f"{above}\n\n\n{code.above}"
    else:
        upgrade = render(diff.steps(sides.before, sides.after), sides.before, sides.after)
        downgrade = render(diff.steps(sides.after, sides.before), sides.after, sides.before)
    number = len(work.line.revisions)
    said = message or f"{number} revisions as one, up to {last.message or last.id}"
    written = unfinished.write(said, upgrade, downgrade, data=above)
    path = written.path.with_name(written.path.name.replace(written.id, last.id))
    text = written.path.read_text(encoding="utf-8").replace(written.id, last.id)
    written.path.unlink()
    path.write_text(text, encoding="utf-8")
    return unfinished.history.find("head")[0]


def _declared(work: _Work) -> str:
    last = work.line.last
    (said,) = work.history.sql([last])
    known = (*last.replaced_sql, statements.checksum([said]))
    return (
        "# Databases that have all of these have this revision; limbeck squash wrote it.\n"
        f"replaces = {work.line.replaced!r}\nreplaced_sql = {known!r}"
    )


def _sides(work: _Work) -> _Sides:
    with _copy(work, work.line.after) as database:
        before = _catalog(work, database)
        _run(work, work.line.revisions, database)
        return _Sides(before, _catalog(work, database), contents(database))


def _run(work: _Work, revisions: Sequence[Revision], database: Database) -> None:
    with connect(database) as connection:
        connection.execute("SET synchronous_commit = off")
        work.history.run(connection, revisions)


@contextmanager
def _copy(work: _Work, revision: str | None) -> Iterator[Database]:
    with work.shadow.scratch(work.template(revision)) as database:
        yield database


def _catalog(work: _Work, database: Database) -> Catalog:
    with connect(database) as connection:
        return read(connection, filters=filters(work.seeing_all))


def _prove_the_rest(work: _Work, database: Database) -> None:
    """Run what follows on what the new revision made: it has to come to what it did before."""
    rest = work.history.pending([work.line.last.id])
    if not rest:
        return
    heads = ",".join(one.id for one in work.history.heads())
    with _copy(work, heads) as wanted:
        after, held = _catalog(work, wanted), contents(wanted)
    with work.shadow.scratch(database.dbname) as copy:
        _run(work, rest, copy)
        if changes := _catalog(work, copy).changes_to(after):
            raise ProofError(
                f"the revisions that follow come to something else: {changes[0].address}"
            )
        _refuse_loss(held, contents(copy), verbatim=True)


def _refuse_rows(work: _Work, found: Contents) -> None:
    whose = ", ".join(str(one) for one in _writers(work))
    raise ProofError(
        f"revisions write rows, which a schema does not tell: into {', '.join(found.tables)}"
        f"{f', by {whose}' if whose else ''}; nothing was written",
        hint=f"{_CAN_KEEP}. Or squash up to before them: --to REV",
    )


def _writers(work: _Work) -> Iterator[Revision]:
    """Yield the revisions after which another table or sequence has rows."""
    seen: set[tuple[str, str]] = set()
    with _copy(work, None) as database, connect(database) as connection:
        for one in work.line.revisions:
            work.history.run(connection, [one])
            rows = set(contents(database).rows)
            if rows - seen:
                yield one
            seen = rows


def _refuse_loss(wanted: Contents, made: Contents, *, verbatim: bool) -> None:
    if lost := made.difference(wanted):
        raise ProofError(
            f"the new revision does not come to the same: {'; '.join(lost)}; nothing was written",
            hint=None if verbatim else _CAN_KEEP,
        )


def _left_out(work: _Work) -> Iterator[tuple[Revision, str]]:
    """Yield the statements about rows, and the Python that asks the database, that find none."""
    for one, text in zip(work.line.revisions, work.history.sql(work.line.revisions), strict=True):
        for part in statements.split(text):
            if _DATA.match(part):
                yield one, part
        if text.splitlines()[-1:] and text.splitlines()[-1].startswith(_ASKS):
            yield one, "Python that asks the database"


def _refuse_unsaved(made: Line) -> None:
    unsaved = [shown(one.path) for one in made.revisions if not _is_committed(one.path)]
    if unsaved:
        raise ConfigurationError(
            f"not replaced, for git does not have them as they are: {', '.join(unsaved)}",
            hint="Commit them first, or add --force.",
        )


def _is_committed(path: Path) -> bool:
    """Say whether git has a file as it is."""
    # Nothing is printed for a file that git knows and that is as it was committed.
    command = ["git", "status", "--porcelain", "--ignored", "--", path.name]
    try:
        done = subprocess.run(  # noqa: S603 - git, on a path
            command, cwd=path.parent, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0 and not done.stdout.strip()
