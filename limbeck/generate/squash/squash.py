"""The verb: write one revision for several, prove it, and put it in their place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from limbeck.engine import offline, statements
from limbeck.errors import ConfigurationError
from limbeck.events import Listener, StageStarted
from limbeck.generate.bodies import attempted
from limbeck.generate.draft import Draft, following
from limbeck.generate.proof import Premises, proven
from limbeck.generate.rendering.body import render
from limbeck.generate.squash.contents import contents
from limbeck.generate.squash.line import Line, line, refuse_phases
from limbeck.generate.squash.positions import refuse_middle
from limbeck.generate.squash.proof import Sides, prove_the_rest, refuse_loss, refuse_rows, sides
from limbeck.generate.squash.verbatim import verbatim as joined
from limbeck.generate.squash.work import Work
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.logs import log
from limbeck.paths import shown
from limbeck.project.git import uncommitted
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.diff import compare

_DATA = re.compile(
    r"(INSERT|UPDATE|DELETE|MERGE|TRUNCATE|COPY|WITH|SELECT|CALL|DO)\b", re.IGNORECASE
)
_ASKS = "-- "


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
    work = Work(project, profile, history, line(history, first, last), listen)
    as_written = verbatim or work.line.after is not None
    refuse_phases(work.line, verbatim=as_written)
    refuse_middle(project, history, work.line, listen)
    if keep and not force:
        _refuse_unsaved(work.line)
    found = sides(work, as_written=as_written)
    if found.contents.tables and not as_written:
        refuse_rows(work, found.contents)
    steps = () if as_written else compare.steps(found.before, found.after)
    with following(project, history, work.line.after) as unfinished:
        return attempted(
            steps,
            lambda unchecked: _written(
                work, found, unfinished, message, _Way(as_written, unchecked), keep=keep
            ),
        )


@dataclass(frozen=True, slots=True)
class _Way:
    """How the revision is written: as the old ones are; without Postgres' look at bodies."""

    as_written: bool
    unchecked: bool


def _written(  # noqa: PLR0913 - what, from what, where to, and how
    work: Work,
    found: Sides,
    unfinished: Draft,
    message: str | None,
    way: _Way,
    *,
    keep: bool,
) -> Squash:
    as_written = way.as_written
    written = _write(work, found, unfinished, message, way)
    text = written.path.read_text(encoding="utf-8")
    work.listen(StageStarted("proving the new revision on the shadow"))
    premises = Premises(
        work.seeing_all,
        work.shadow,
        work.template(work.line.after),
        found.back,
        found.after,
    )
    with proven(premises, unfinished.history, written) as (database, _):
        refuse_loss(found.contents, contents(database), verbatim=as_written)
        prove_the_rest(work, database)
    left_out = () if as_written else tuple(_left_out(work))
    made = Squash(work.line.revisions, text, None, as_written, left_out)
    if not keep:
        return made
    old = [one.path for one in work.line.revisions]
    return replace(made, path=unfinished.keep_instead(written, old))


def _write(work: Work, found: Sides, unfinished: Draft, message: str | None, way: _Way) -> Revision:
    last, above = work.line.last, _declared(work)
    if way.as_written:
        code = joined(work.line.revisions)
        upgrade, downgrade, above = code.upgrade, code.downgrade, f"{above}\n\n\n{code.above}"
    else:
        upgrade, downgrade = (
            render(compare.steps(*ends), *ends, unchecked=way.unchecked)
            for ends in ((found.before, found.after), (found.after, found.before))
        )
    number = len(work.line.revisions)
    said = message or f"{number} revisions as one, up to {last.message or last.id}"
    written = unfinished.write(said, upgrade, downgrade, data=above)
    path = written.path.with_name(written.path.name.replace(written.id, last.id))
    text = written.path.read_text(encoding="utf-8").replace(written.id, last.id)
    written.path.unlink()
    path.write_text(text, encoding="utf-8")
    return unfinished.history.find("head")[0]


def _declared(work: Work) -> str:
    last = work.line.last
    (said,) = offline.sql(work.history, [last])
    known = (*last.replaced_sql, statements.checksum([said]))
    return (
        "# Databases that have all of these have this revision; limbeck squash wrote it.\n"
        f"replaces = {work.line.replaced!r}\nreplaced_sql = {known!r}"
    )


def _left_out(work: Work) -> Iterator[tuple[Revision, str]]:
    """Yield the statements about rows, and the Python that asks the database, that find none."""
    revisions = work.line.revisions
    for one, text in zip(revisions, offline.sql(work.history, revisions), strict=True):
        for part in statements.split(text):
            if _DATA.match(part):
                yield one, part
        if text.splitlines()[-1:] and text.splitlines()[-1].startswith(_ASKS):
            yield one, "Python that asks the database"


def _refuse_unsaved(made: Line) -> None:
    unsaved = [shown(path) for path in uncommitted([each.path for each in made.revisions])]
    if unsaved:
        raise ConfigurationError(
            f"not replaced, for git does not have them as they are: {', '.join(unsaved)}",
            hint="Commit them first, or add --force.",
        )
