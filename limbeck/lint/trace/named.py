"""The tables that revisions could touch: those that their files name, and what belongs to these.

Only these get rows before a trace, because rows for a thousand tables take longer than a revision.
Where the code of a revision puts names together, or an SQL function does, every table gets rows.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import psycopg

from limbeck.history.code import imported
from limbeck.history.revisions import parsed
from limbeck.postgres.connect import Connection
from limbeck.schema.sql import own_schemas

# They put a name together, or read one from somewhere else.
_COMPUTING: Final = frozenset(
    {
        *("format", "format_map", "join", "replace", "read", "read_text", "open", "getattr"),
        *("inspect", "get_table_names", "reflect", "safe_substitute", "substitute"),
    }
)
_HARMLESS: Final = frozenset({"alembic", "sqlalchemy", "limbeck", *sys.stdlib_module_names})
_DYNAMIC: Final = re.compile(r"\bEXECUTE\s+(?!FUNCTION\b|PROCEDURE\b)", re.IGNORECASE)
_WORD: Final = re.compile(r"\w+")
_OWN: Final = own_schemas.of_users("n.nspname")
_NAMED: Final = f"""
SELECT coalesce(i.indrelid, c.oid)::bigint FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE {_OWN} AND (c.relname = ANY (%(words)s) OR c.relname ~ '\\W'
    AND strpos(lower(%(text)s), lower(c.relname)) > 0)
UNION SELECT a.attrelid::bigint FROM pg_attribute a WHERE a.atttypid IN (
    SELECT unnest(ARRAY[t.oid, t.typarray, d.oid]) FROM pg_type t
    JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_type d ON d.typbasetype = t.oid
    WHERE {_OWN} AND t.typrelid = 0 AND t.typname = ANY (%(words)s))"""
# Partitions and children with their parents, what a DELETE or UPDATE cascades to, what a view
# selects from and a rule writes to.
_BELONGING: Final = """
WITH RECURSIVE edges AS MATERIALIZED (
    SELECT inhparent AS one, inhrelid AS other FROM pg_inherits
    UNION ALL SELECT inhrelid, inhparent FROM pg_inherits
    UNION ALL SELECT confrelid, conrelid FROM pg_constraint
        WHERE contype = 'f' AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd'))
    UNION ALL SELECT r.ev_class, d.refobjid FROM pg_rewrite r JOIN pg_depend d
        ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
        AND d.refclassid = 'pg_class'::regclass WHERE r.ev_class >= 16384
), reached AS (
    SELECT unnest(%(oids)s::oid[]) AS oid
    UNION SELECT edges.other FROM reached JOIN edges ON edges.one = reached.oid
)
SELECT oid::bigint FROM reached"""
# A change of a key's type checks the rows on both sides of it again.
_REFERENCES: Final = """
SELECT unnest(ARRAY[conrelid, confrelid])::bigint FROM pg_constraint
WHERE contype = 'f' AND (conrelid = ANY (%(oids)s::oid[]) OR confrelid = ANY (%(oids)s::oid[]))"""
_FUNCTIONS: Final = f"""
SELECT p.prosrc FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
WHERE NOT g.tgisinternal AND g.tgrelid = ANY (%(oids)s::oid[])
UNION SELECT p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE {_OWN} AND p.proname = ANY (%(words)s)"""


def tables(connection: Connection, paths: Iterable[Path]) -> frozenset[int] | None:
    """Return the oids of the tables that revision files could touch, None for all tables."""
    files = list(paths)
    if any(_computes(parsed(path)) for path in files):
        return None
    cursor = psycopg.Cursor(connection)
    texts = [path.read_text(encoding="utf-8") for path in files]
    seen: list[str] = []
    oids = list[int]()
    while texts != seen:
        seen, words = texts, _words(texts)
        named = _column(cursor, _NAMED, words=words, text="\n".join(texts))
        oids = _column(cursor, _BELONGING, oids=named)
        sources = _column(cursor, _FUNCTIONS, oids=oids, words=words)
        if any(_DYNAMIC.search(source) for source in sources):
            return None
        texts = list(dict.fromkeys([*texts, *sorted(sources)]))
    return frozenset({*oids, *_column(cursor, _REFERENCES, oids=oids)})


def _column(cursor: psycopg.Cursor[Any], query: str, **values: Any) -> list[Any]:
    return [value for (value,) in cursor.execute(query.encode(), values).fetchall()]


def _words(texts: Iterable[str]) -> list[str]:
    words = {word for text in texts for word in _WORD.findall(text)}
    return sorted(words | {word.lower() for word in words})


def _computes(module: ast.Module) -> bool:
    """Return whether a revision's code may name tables whose names are not in the file."""
    body = (each for each in module.body if getattr(each, "name", "") != "downgrade")
    return any(_is_computing(node) for each in body for node in ast.walk(each))


def _is_computing(node: ast.AST) -> bool:
    match node:
        case ast.FormattedValue():
            return True
        case ast.BinOp(left=left, right=right, op=ast.Add() | ast.Mod()):
            return any(_is_text(each) for each in (left, right))
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name in _COMPUTING
        case ast.Constant(value=str() as text):
            return _DYNAMIC.search(text) is not None
        case ast.Import() | ast.ImportFrom():
            return any(origin not in _HARMLESS for origin in _origins(node))
    return False


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _origins(node: ast.stmt) -> Iterator[str]:
    for _, origin in imported(node):
        yield origin.partition(":")[0].partition(".")[0]
