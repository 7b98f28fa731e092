"""The proof that the new revision makes what the replaced revisions made."""

from __future__ import annotations

from collections.abc import Iterator

from limbeck.dataclass import dataclass
from limbeck.errors import MigrationError, ProofError
from limbeck.events import Notice
from limbeck.generate.squash.contents import Contents, contents
from limbeck.generate.squash.context import Context, catalog, copy, run
from limbeck.history.revisions import Revision
from limbeck.postgres.database import Database
from limbeck.schema.catalog.catalog import Catalog

CAN_KEEP = "Keep the code of the revisions: --verbatim"


@dataclass(frozen=True, slots=True)
class Sides:
    """The catalogs before and after the revisions, and after their own downgrades (`back`)."""

    before: Catalog
    after: Catalog
    contents: Contents
    back: Catalog


def sides(context: Context, *, as_written: bool) -> Sides:
    """Run the revisions on the shadow and return the catalogs; `as_written` runs downgrades, too.

    Raises:
        ProofError: One of the downgrades fails.

    """
    with copy(context, context.line.after) as database:
        before = catalog(context, database)
        run(context, context.line.revisions, database)
        after, rows = catalog(context, database), contents(database)
        back = _downgraded(context, database) if as_written else before
    if back.changes_to(before):
        context.listen(
            Notice("the downgrades of these revisions leave traces, as that of the new one does")
        )
    return Sides(before, after, rows, back)


def _downgraded(context: Context, database: Database) -> Catalog:
    """Return the catalog after the downgrades, which the new revision contains as they are."""
    try:
        run(context, context.line.revisions[::-1], database, downgrade=True)
    except MigrationError as error:
        raise ProofError(
            f"a downgrade fails, so the new revision cannot be proven: {error.message}",
            hint="Correct the downgrade, or leave its body empty.",
        ) from error
    return catalog(context, database)


def prove_the_rest(context: Context, database: Database) -> None:
    """Run the later revisions after the new one, and compare the result with that of before."""
    rest = context.history.pending([context.line.last.id])
    if not rest:
        return
    heads = ",".join(head.id for head in context.history.heads())
    with copy(context, heads) as wanted:
        after, rows = catalog(context, wanted), contents(wanted)
    with context.shadow.scratch(database.dbname) as other:
        run(context, rest, other)
        if changes := catalog(context, other).changes_to(after):
            raise ProofError(
                f"the later revisions make another schema after it: {changes[0].address}"
            )
        refuse_loss(rows, contents(other), verbatim=True)


def refuse_rows(context: Context, rows: Contents) -> None:
    """Raise a ProofError that names the tables with rows, and the revisions that write them."""
    writers = ", ".join(map(str, _writers(context)))
    where = f" (in {writers})" if writers else ""
    raise ProofError(
        f"the revisions write rows to {', '.join(rows.tables)}{where}, which a revision written "
        "from the schema would lose; nothing was written",
        hint=f"{CAN_KEEP}. Or squash only the revisions before: --to REV",
    )


def _writers(context: Context) -> Iterator[Revision]:
    """Yield the revisions after which another table or sequence has rows."""
    seen: set[tuple[str, str]] = set()
    with copy(context, None) as database:
        for revision in context.line.revisions:
            run(context, [revision], database)
            rows = set(contents(database).rows)
            if rows - seen:
                yield revision
            seen = rows


def refuse_loss(wanted: Contents, actual: Contents, *, verbatim: bool) -> None:
    """Raise a ProofError if rows or objects outside of catalogs are missing or different."""
    if lost := actual.difference(wanted):
        raise ProofError(
            f"the new revision makes something else: {'; '.join(lost)}; nothing was written",
            hint=None if verbatim else CAN_KEEP,
        )
