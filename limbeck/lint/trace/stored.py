"""What a database holds that a function has computed, when a statement changes the function."""

from __future__ import annotations

from typing import Any, Final

import psycopg

from limbeck.dataclass import dataclass
from limbeck.lint.trace.facts import Facts
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import parts, stale

_ADDRESSES: Final = b"""
SELECT n.nspname, format('%%I(%%s)', p.proname, oidvectortypes(p.proargtypes))
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = ANY (%s)"""
_WORDS: Final = {
    "column": "the generated column {0}",
    "constraint": "the constraint {0}",
    "domain_check": "the constraint {0} of the domain {1}",
    "table": "the partition key of {1}",
}


@dataclass(frozen=True, slots=True)
class Stored:
    """A part that functions have computed or checked, of a table or of a domain."""

    address: Address
    table: Address | None
    functions: tuple[str, ...]

    def __str__(self) -> str:
        kind, schema, name, part = self.address
        if kind == "index":
            return f"the index {name}"
        return _WORDS[kind].format(part, name if schema == "public" else f"{schema}.{name}")


def stored(connection: psycopg.Connection[Any], before: Facts, after: Facts) -> tuple[Stored, ...]:
    """Return what has been computed or checked by the functions that differ between two moments.

    Args:
        connection: The connection that has changed them; the catalog is read as it sees it.
        before: The facts before the statement.
        after: The facts after it.

    """
    changed = [
        oid
        for (kind, oid, _), (was, now) in after.others.since(before.others).items()
        if kind == "function" and was and now and now.version != was.version
    ]
    if not changed:
        return ()
    rows: Any = psycopg.Cursor(connection).execute(_ADDRESSES, [changed]).fetchall()
    functions = {Address("function", schema, identity) for schema, identity in rows}
    dependants = stale.computed_by(parts.of(read(connection)), functions)
    names = tuple(sorted(address.name for address in functions))
    return tuple(
        Stored(address, _table(each.part, address), names) for address, each in dependants.items()
    )


def _table(part: object, address: Address) -> Address | None:
    if isinstance(part, Index):
        return part.table
    if address.kind == "domain_check":
        return None
    return Address("table", address.schema, address.name)
