"""Write one revision for several, prove it, and replace their files: `limbeck squash`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from limbeck.dataclass import dataclass
from limbeck.engine import offline, statements
from limbeck.errors import ConfigurationError
from limbeck.events import Listener
from limbeck.generate.bodies import attempted
from limbeck.generate.draft import Draft, following
from limbeck.generate.proof import Premises, proven
from limbeck.generate.rendering.body import render
from limbeck.generate.squash.contents import contents
from limbeck.generate.squash.context import Context
from limbeck.generate.squash.line import Line, line, refuse_phases
from limbeck.generate.squash.positions import refuse_middle
from limbeck.generate.squash.proof import Sides, prove_the_rest, refuse_loss, refuse_rows, sides
from limbeck.generate.squash.verbatim import verbatim as joined
from limbeck.history import code
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.logs import log
from limbeck.paths import shown
from limbeck.project.git import uncommitted
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.diff import compare
from limbeck.schema.sql.lexer import first_word
from limbeck.stages import staged

PROVING = "proving the new revision on the shadow"
# Statements about rows; everything else is in the schema, which the proof compares.
_ROWS = frozenset(
    {"INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "COPY", "WITH", "SELECT", "CALL", "DO"}
)


@dataclass(frozen=True, slots=True)
class Squash:
    """The revision that replaces others; `path` is None if nothing was written.

    `left_out` has (revision, statement) pairs that work on rows, of which a new database has none;
    with `verbatim` nothing is left out.
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
    """Replace several consecutive revisions with one.

    The new revision has the id of the last of them, so that a database that has applied all of
    them has applied the new one. From base on it is written from the schema that the revisions
    make. Revisions after others, whose tables may have rows, keep their code, joined in one file.

    The proof on the shadow: the new revision makes the same objects and rows as the replaced ones,
    its downgrade leaves no trace, and the later revisions make the same schema after it.

    Args:
        project: The project, with its history.
        profile: An environment with a history of its own.
        first: The first revision to replace; by default the first of all.
        last: The last revision to replace.
        message: The message of the new revision.
        verbatim: Keep the code of revisions from base on, too.
        keep: Replace the files; otherwise the revision is only written and proven.
        force: Replace files with uncommitted changes, too.
        listen: Receives the stages.

    Raises:
        ConfigurationError: There is nothing to squash, or a file has uncommitted changes.
        HistoryError: The revisions are not a plain line, or their code cannot be joined.
        CheckFailedError: An environment has applied some of them only.
        ProofError: The new revision would make something else; nothing was written.

    """
    history = History.of(project, profile)
    context = Context(project, profile, history, line(history, first, last), listen)
    as_written = verbatim or context.line.after is not None
    refuse_phases(context.line, verbatim=as_written)
    refuse_middle(project, history, context.line, listen)
    if keep and not force:
        _refuse_uncommitted(context.line)
    catalogs = sides(context, as_written=as_written)
    if catalogs.contents.tables and not as_written:
        refuse_rows(context, catalogs.contents)
    steps = () if as_written else compare.steps(catalogs.before, catalogs.after)
    with following(project, history, context.line.after) as unfinished:
        return attempted(
            steps,
            lambda unchecked: _written(
                context, catalogs, unfinished, message, _Form(as_written, unchecked), keep=keep
            ),
        )


@dataclass(frozen=True, slots=True)
class _Form:
    """How the revision is written: with the code of the old ones; without checks of bodies."""

    as_written: bool
    unchecked: bool


def _written(  # noqa: PLR0913 - what, from what, where to, and how
    context: Context,
    catalogs: Sides,
    unfinished: Draft,
    message: str | None,
    form: _Form,
    *,
    keep: bool,
) -> Squash:
    as_written = form.as_written
    written = _write(context, catalogs, unfinished, message, form)
    text = written.path.read_text(encoding="utf-8")
    premises = Premises(
        context.seeing_all,
        context.shadow,
        context.template(context.line.after),
        catalogs.back,
        catalogs.after,
    )
    with (
        staged(context.listen, PROVING, "statement") as stage,
        proven(premises, unfinished.history, written, stage) as (database, _),
    ):
        refuse_loss(catalogs.contents, contents(database), verbatim=as_written)
        prove_the_rest(context, database)
    left_out = () if as_written else tuple(_left_out(context))
    result = Squash(context.line.revisions, text, None, as_written, left_out)
    if not keep:
        return result
    old = [revision.path for revision in context.line.revisions]
    return replace(result, path=unfinished.keep_instead(written, old))


def _write(
    context: Context, catalogs: Sides, unfinished: Draft, message: str | None, form: _Form
) -> Revision:
    last, above = context.line.last, _declared(context)
    if form.as_written:
        code = joined(context.line.revisions)
        upgrade, downgrade, above = code.upgrade, code.downgrade, f"{above}\n\n\n{code.above}"
    else:
        upgrade, downgrade = (
            render(compare.steps(*ends), *ends, unchecked=form.unchecked)
            for ends in ((catalogs.before, catalogs.after), (catalogs.after, catalogs.before))
        )
    count = len(context.line.revisions)
    text = message or f"{count} revisions as one, up to {last.message or last.id}"
    written = unfinished.write(text, upgrade, downgrade, data=above)
    path = written.path.with_name(written.path.name.replace(written.id, last.id))
    code_text = written.path.read_text(encoding="utf-8").replace(written.id, last.id)
    written.path.unlink()
    path.write_text(code_text, encoding="utf-8")
    return unfinished.history.find("head")[0]


def _declared(context: Context) -> str:
    last = context.line.last
    (sql,) = offline.sql(context.history, [last])
    # The ledgers of databases that an older version has migrated have the checksum of the SQL.
    known = (*last.replaced_sql, statements.checksum([sql]), code.checksum(last.path))
    return (
        "# Databases that have applied all of these have applied this revision (limbeck squash).\n"
        f"replaces = {context.line.replaced!r}\nreplaced_sql = {known!r}"
    )


def _left_out(context: Context) -> Iterator[tuple[Revision, str]]:
    """Yield the statements about rows, and the revisions whose Python queries the database."""
    revisions = context.line.revisions
    for revision, text in zip(revisions, offline.sql(context.history, revisions), strict=True):
        for statement in statements.split(text):
            if first_word(statement) in _ROWS:
                yield revision, statement
        if offline.steps(context.history, revision) is None:
            yield revision, "Python that queries the database"


def _refuse_uncommitted(line: Line) -> None:
    unsaved = list(uncommitted([revision.path for revision in line.revisions]))
    if unsaved:
        raise ConfigurationError(
            f"these files have changes that are not committed: {', '.join(map(shown, unsaved))}",
            hint="Commit them first, or add --force.",
        )
