"""Sequences: stand-alone, owned by a column, or behind an identity column."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.sequences import Sequence, SequenceOptions
from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.building import SPACES, Found, Row, not_member

SEQUENCES: Final = f"""
SELECT c.oid, c.relnamespace, c.relname, format('%I.%I', n.nspname, c.relname),
  c.relpersistence = 'u', d.refobjid, d.refobjsubid, d.deptype = 'i',
  format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
  s.seqcycle
FROM pg_sequence s
JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = {classes.RELATION} AND d.objid = c.oid AND d.objsubid = 0
  AND d.refclassid = {classes.RELATION} AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
WHERE c.relnamespace = ANY {SPACES} AND {not_member(classes.RELATION, "c.oid")}
"""


def build(found: Found) -> None:
    """Keep the sequences, those of identity columns apart for their columns."""
    for oid, space, name, qualified, unlogged, table, column, internal, *rest in found.rows[
        "sequences"
    ]:
        counts = _options(tuple(rest))
        if internal:
            found.identities[table, column] = (qualified, counts)
            continue
        owner = found.relations.get(table) if table else None
        if space not in found.schemas or (table and owner is None):
            continue
        sequence = Sequence(
            schema=found.schemas[space],
            name=name,
            options=counts,
            owned_by=_owner(found, owner, table, column),
            unlogged=unlogged,
            comment=found.comment(classes.RELATION, oid),
        )
        found.add(classes.RELATION, oid, sequence)
        found.relations[oid] = sequence.address


def _owner(found: Found, table: Address | None, oid: int, column: int) -> Address | None:
    if table is None:
        return None
    return Address("column", table.schema, table.name, found.columns[oid][column])


def _options(row: Row) -> SequenceOptions:
    type_, start, increment, minimum, maximum, cache, cycle = row
    return SequenceOptions(
        type=type_,
        start=start,
        increment=increment,
        minimum=minimum,
        maximum=maximum,
        cache=cache,
        cycle=cycle,
    )
