"""What the probes of a phase check besides: both sides of each row agree."""

from __future__ import annotations

from collections.abc import Iterable

from limbeck.phased.phases import Backfill
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.sql.quoting import schema_and_name


def wrong(backfills: Iterable[Backfill]) -> dict[Address, str]:
    """Return, by table, the query that counts the rows which a backfill would still change."""
    conditions: dict[str, list[str]] = {}
    for backfill in backfills:
        conditions.setdefault(backfill.table, []).append(f"({backfill.where})")
    return {
        Address("table", *schema_and_name(table)): (
            f"SELECT count(*) FROM {table} WHERE {' OR '.join(texts)}"
        )
        for table, texts in conditions.items()
    }
