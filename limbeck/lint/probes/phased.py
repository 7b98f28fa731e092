"""What a revision is to applications, and what the probes of a phase check besides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.phased import phases
from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.triggers import Trigger
from limbeck.schema.sql.quoting import schema_and_name

if TYPE_CHECKING:
    from limbeck.lint.probes.gaps import Role


def role_of(revision: Revision) -> Role:
    """Return what a revision is to applications: a contract without an expand is a plain one."""
    phase = phases.of(revision)
    if phase is None or (phase.kind == "contract" and not revision.parents):
        return "plain"
    return phase.kind


def backfills(history: History, revision: Revision) -> Iterator[Backfill]:
    """Yield the backfills that stand between the two phases of a change.

    Args:
        history: the history that a revision belongs to.
        revision: one of the two phases, or a plain revision, which has none.

    """
    phase = phases.of(revision)
    if phase is None:
        return
    yield from phase.backfills
    for parent in (each for name in revision.parents for each in history.find(name)):
        former = phases.of(parent)
        if phase.kind == "contract" and former and former.change == phase.change:
            yield from former.backfills


def wrong(backfills: Iterable[Backfill], middle: Catalog) -> dict[Address, str]:
    """Return, by table, the condition for the rows which a backfill would still change.

    Without a trigger, rows are wrong until the backfill runs once more after the old application
    has ended, which the gate of the contract waits for.

    Args:
        backfills: those of the change.
        middle: the catalog between its two revisions.

    """
    triggered = {(each.schema, each.table) for each in middle.every(Trigger)}
    conditions: dict[str, list[str]] = {}
    for backfill in backfills:
        conditions.setdefault(backfill.table, []).append(f"({backfill.where})")
    return {
        Address("table", *schema_and_name(table)): " OR ".join(texts)
        for table, texts in conditions.items()
        if schema_and_name(table) in triggered
    }
