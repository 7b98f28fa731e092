"""Columns of tables, and the fields of views and composite types."""

from __future__ import annotations

from typing import Final

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column, Identity, NotNull
from limbeck.schema.catalog.queries import classes
from limbeck.schema.catalog.queries.arrays import settled
from limbeck.schema.catalog.queries.building import SPACES, Found, Row, options

COLUMNS: Final = f"""
SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
  a.attidentity::text, a.attgenerated::text,
  CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END,
  CASE WHEN a.attstorage <> t.typstorage THEN
    CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN'
      ELSE 'EXTENDED' END END,
  CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
  nullif(a.attstattarget, -1), a.attoptions, a.attfdwoptions, a.attislocal, a.attcollation
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
  AND c.relnamespace = ANY {SPACES}
ORDER BY a.attrelid, a.attnum
"""

EXPRESSION: Final = """
  pg_get_expr(d.adbin, CASE WHEN a.attgenerated <> '' THEN d.adrelid ELSE 0 END)
FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum"""
"""A default names no column, so it is read without its table, which takes long to open."""

DEFAULTS: Final = f"""
SELECT d.oid, d.adrelid, d.adnum, {EXPRESSION}
WHERE d.adrelid >= {classes.FIRST_USER_OID}
"""


def build_names(found: Found) -> None:
    """Keep the columns' names by relation and number."""
    for row in found.rows["columns"]:
        found.columns.setdefault(row[0], {})[row[1]] = row[2]
        if row[14]:
            found.collations[row[0], row[1]] = row[14]


def build_defaults(found: Found) -> None:
    """Keep default and generation expressions by relation and number."""
    for oid, relation, number, expression in found.rows["defaults"]:
        found.defaults[relation, number] = settled(expression)
        if table := found.relations.get(relation):
            name = found.columns[relation][number]
            found.addresses[classes.DEFAULT, oid, 0] = (
                Address("default", table.schema, table.name, name)
                if table.kind == "table"
                else table
            )


def build(found: Found) -> None:
    """Keep the columns of the tables that are read."""
    last, position = 0, 0
    for row in found.rows["columns"]:
        relation = row[0]
        table = found.relations.get(relation)
        if table is None or table.kind != "table":
            continue
        position = position + 1 if relation == last else 1
        last = relation
        address = Address("column", table.schema, table.name, row[2])
        found.objects[address] = _column(row, table, position, found)
        found.addresses[classes.RELATION, relation, row[1]] = address


def _column(row: Row, table: Address, position: int, found: Found) -> Column:
    relation, number, name, type_, not_null, identity, generated, collation, storage = row[:9]
    compression, statistics, attributes, remote, local = row[9:14]
    key = (relation, number)
    return Column(
        schema=table.schema,
        table=table.name,
        name=name,
        type=type_,
        not_null=(found.not_nulls.get(key) or NotNull(name=None)) if not_null else None,
        default=found.defaults.get(key),
        generated=generated,
        identity=_identity(found, key, identity) if identity else None,
        collation=collation,
        storage=storage,
        compression=compression,
        statistics=statistics,
        options=options(attributes),
        server_options=tuple(remote or ()),
        inherited=not local,
        comment=found.comments.get((classes.RELATION, relation, number)),
        position=position,
    )


def _identity(found: Found, key: tuple[int, int], kind: str) -> Identity | None:
    # Since Postgres 17 a partition's identity column counts with the parent's sequence.
    sequence = found.identities.get(key)
    if sequence is None:
        return None
    return Identity(always=kind == "a", sequence=sequence[0], options=sequence[1])
