"""Compare a half-done revision with the catalog; used by `repair` and by `rollback`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeAlias

from limbeck.dataclass import dataclass
from limbeck.engine.ledger import Entry, Ledger
from limbeck.errors import MigrationError
from limbeck.history.history import History
from limbeck.phased import phases
from limbeck.run.comparison import Bench, Comparison, Sides, within
from limbeck.schema.catalog.catalog import Change

Standing: TypeAlias = Literal["done", "undone", "half", "unknown", "failing", "deleted"]
"""What the catalog of the database says of an interrupted run of a revision.

"done": it has all that the run would have changed. "undone": it has nothing of it. "half": it has
some. "unknown": the revision changes rows only. "failing": it fails on the shadow, too, so that
only the schema before it is known. "deleted": the revision has no file any more.
"""


@dataclass(frozen=True, slots=True)
class Half:
    """A revision whose run was interrupted after some steps.

    Args:
        revision: Its id.
        message: Its message.
        action: "upgrade" or "downgrade".
        steps: The number of committed steps.
        doubt: Whether a statement outside of a transaction was begun after them.
        path: Its file; None if it is missing.
        standing: What the catalog says of it.
        contract: Whether it is the contract of a phased change.
        missing: What the database lacks of a run that is done.
        left: What it has of a run that is undone.

    """

    revision: str
    message: str
    action: str
    steps: int
    doubt: bool
    path: Path | None
    standing: Standing
    contract: bool = False
    missing: tuple[Change, ...] = ()
    left: tuple[Change, ...] = ()


def halves(
    comparison: Comparison, history: History, current: Sequence[str], entries: Ledger
) -> tuple[Half, ...]:
    """Return the half-done revisions of a database.

    Args:
        comparison: the database.
        history: its revision files.
        current: the rows of its version table.
        entries: its ledger.

    """
    begun = entries.interrupted().values()
    return tuple(_half(comparison, history, current, entry) for entry in begun)


def _half(comparison: Comparison, history: History, current: Sequence[str], entry: Entry) -> Half:
    about = (entry.revision, entry.message, entry.action, entry.steps, entry.doubt is not None)
    known = {each.id: each for each in history.revisions()}
    revision = known.get(entry.revision)
    if revision is None:
        return Half(*about, None, "deleted")
    phase = phases.of(revision)
    contract = phase is not None and phase.kind == "contract"
    sides = Sides.of(history, current, revision)
    live, without = comparison.live, comparison.replay(sides.without).catalog()
    try:
        with_it = comparison.replay(sides.with_it).catalog()
    except MigrationError:  # it fails on the shadow as it did here
        left = live.changes_to(without)
        return Half(*about, revision.path, "failing", contract, left=left)
    downgrade = entry.action == "downgrade"
    done, undone = (without, with_it) if downgrade else (with_it, without)
    before = comparison.replay(sides.with_it if downgrade else sides.without)
    bench = Bench(comparison, history, revision, before.template(), downgrade)
    touched = {change.address for change in undone.changes_to(done)}
    # Some objects exist only on the way, such as an index before it gets its name.
    with suppress(MigrationError):
        touched |= {change.address for change in undone.changes_to(bench.after(entry.steps))}
    missing, left = (within(live.changes_to(side), touched) for side in (done, undone))
    standing: Standing = "half" if missing and left else "undone" if missing else "done"
    return Half(*about, revision.path, standing if touched else "unknown", contract, missing, left)
