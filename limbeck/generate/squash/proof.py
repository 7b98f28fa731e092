"""What the new revision has to come to, and the refusals where it would not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from limbeck.errors import MigrationError, ProofError
from limbeck.events import Notice
from limbeck.generate.squash.contents import Contents, contents
from limbeck.generate.squash.work import Work, catalog, copy, run
from limbeck.history.revisions import Revision
from limbeck.postgres.database import Database
from limbeck.schema.catalog.catalog import Catalog

CAN_KEEP = "Keep the code of the revisions as it is: --verbatim"


@dataclass(frozen=True, slots=True)
class Sides:
    """What the revisions start from and come to, and what their own downgrades leave."""

    before: Catalog
    after: Catalog
    contents: Contents
    back: Catalog


def sides(work: Work, *, as_written: bool) -> Sides:
    """Run the line on the shadow and say what it comes to; `as_written` with its own downgrades.

    Raises:
        ProofError: one of the downgrades does not run.

    """
    with copy(work, work.line.after) as database:
        before = catalog(work, database)
        run(work, work.line.revisions, database)
        after, held = catalog(work, database), contents(database)
        back = _taken_back(work, database) if as_written else before
    if back.changes_to(before):
        work.listen(
            Notice("the downgrades of these revisions leave traces, and the new one the same")
        )
    return Sides(before, after, held, back)


def _taken_back(work: Work, database: Database) -> Catalog:
    """Run the downgrades as they are written; the code of the new one is to do the same."""
    try:
        run(work, work.line.revisions[::-1], database, downgrade=True)
    except MigrationError as error:
        raise ProofError(
            f"a downgrade does not run, so the new one cannot be proved: {error.message}",
            hint="Correct it, or leave its body empty.",
        ) from error
    return catalog(work, database)


def prove_the_rest(work: Work, database: Database) -> None:
    """Run what follows on what the new revision made: it has to come to what it did before."""
    rest = work.history.pending([work.line.last.id])
    if not rest:
        return
    heads = ",".join(one.id for one in work.history.heads())
    with copy(work, heads) as wanted:
        after, held = catalog(work, wanted), contents(wanted)
    with work.shadow.scratch(database.dbname) as other:
        run(work, rest, other)
        if changes := catalog(work, other).changes_to(after):
            raise ProofError(
                f"the revisions that follow come to something else: {changes[0].address}"
            )
        refuse_loss(held, contents(other), verbatim=True)


def refuse_rows(work: Work, found: Contents) -> None:
    """Raise a ProofError that names the tables with rows, and the revisions that write them."""
    whose = ", ".join(str(one) for one in _writers(work))
    raise ProofError(
        f"revisions write rows, which a schema does not tell: into {', '.join(found.tables)}"
        f"{f', by {whose}' if whose else ''}; nothing was written",
        hint=f"{CAN_KEEP}. Or squash up to before them: --to REV",
    )


def _writers(work: Work) -> Iterator[Revision]:
    """Yield the revisions after which another table or sequence has rows."""
    seen: set[tuple[str, str]] = set()
    with copy(work, None) as database:
        for one in work.line.revisions:
            run(work, [one], database)
            rows = set(contents(database).rows)
            if rows - seen:
                yield one
            seen = rows


def refuse_loss(wanted: Contents, made: Contents, *, verbatim: bool) -> None:
    """Raise a ProofError where something that no catalog tells is not there, or another."""
    if lost := made.difference(wanted):
        raise ProofError(
            f"the new revision does not come to the same: {'; '.join(lost)}; nothing was written",
            hint=None if verbatim else CAN_KEEP,
        )
