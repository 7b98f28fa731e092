"""What a revision is to applications, and what the probes of a phase check besides."""

from __future__ import annotations

from collections.abc import Iterable

from limbeck.history.revisions import Revision
from limbeck.lint.probes.gaps import Role
from limbeck.phased import phases
from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.triggers import Trigger
from limbeck.schema.sql.quoting import schema_and_name


def role_of(revision: Revision) -> Role:
    """Return what a revision is to applications: a contract without an expand is a plain one."""
    phase = phases.of(revision)
    if phase is None or (phase.kind == "contract" and not revision.parents):
        return "plain"
    return phase.kind


def wrong(backfills: Iterable[Backfill], middle: Catalog) -> dict[Address, str]:
    """Return, by table, the query that counts the rows which a backfill would still change.

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
        Address("table", *schema_and_name(table)): (
            f"SELECT count(*) FROM {table} WHERE {' OR '.join(texts)}"
        )
        for table, texts in conditions.items()
        if schema_and_name(table) in triggered
    }
