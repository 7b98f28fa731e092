"""Re-creation of parts that no statement can change in place.

`deciding` calls this module: a table whose partition key has an altered column, a partition whose
NOT NULL must be inherited only, and what holds values that a changed function has computed.
"""

from __future__ import annotations

from collections.abc import Iterable

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff import stale
from limbeck.schema.diff.fates import Fates
from limbeck.schema.diff.part import Required, owner, sub
from limbeck.schema.diff.parts import Parts
from limbeck.schema.sql.lexer import identifiers


def rekey(fates: Fates, columns: Iterable[Address]) -> list[Address]:
    """Replace the tables whose partition key has an altered column, and return them."""
    tables = [
        table
        for address in sorted(columns)
        if address.kind == "column"
        and _partitions_by(fates.before, table := owner(address), address.part)
    ]
    fates.fate.update(dict.fromkeys(tables, "replace"))
    return tables


def _partitions_by(parts: Parts, table: Address, column: str) -> bool:
    """Return whether a column is in a partition key; Postgres then refuses to change its type."""
    item = parts.get(table)
    key = item.partition_key if isinstance(item, Table) else None
    return key is not None and column in identifiers(key)


def disown(fates: Fates) -> None:
    """Re-attach a partition whose NOT NULL constraint must become inherited only.

    No statement clears conislocal alone. ATTACH PARTITION does: the constraint merges with the
    parent's, and is inherited from then on.
    """
    for address in [at for at, fate in fates.fate.items() if fate == "alter"]:
        before, after = fates.before[address], fates.after[address]
        if isinstance(before, Required) and isinstance(after, Required):
            tie = sub(owner(address), "attachment")
            lost = after.constraint.inherited and not before.constraint.inherited
            if lost and tie in fates.before and tie in fates.after:
                fates.fate[tie] = "replace"


def renew(fates: Fates, major: int) -> None:
    """Rebuild the parts that hold what a changed function has computed."""
    fates.stale = stale.dependants(fates.before, fates.after, fates.fate)
    for address, each in fates.stale.items():
        remedy = stale.remedy(each.part, major)
        if remedy and address in fates.before and not fates.gone(address):
            fates.fate[address] = remedy
