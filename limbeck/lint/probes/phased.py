"""What the probes of a phase check besides: both sides of each row agree."""

from __future__ import annotations

from collections.abc import Iterable

from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.triggers import Trigger
from limbeck.schema.sql.quoting import schema_and_name


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
