"""The physical tables of a backfill (partitions, children) and the ranges of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from limbeck.dataclass import dataclass
from limbeck.errors import DatabaseError
from limbeck.postgres.connect import Connection
from limbeck.schema.sql.quoting import quote

_MOST: Final = 32  # ranges of a table
_FEWEST_ROWS: Final = 20_000  # estimated rows of a range
_WHOLE: Final = 100.0  # percent
_SAMPLED: Final = 200  # blocks that are sampled to find where the keys are
_IN_ORDER: Final = 0.9  # correlation of keys and blocks from which a table is cut by key

# The key is the primary key, or else the unique index with the fewest columns. Only tables that
# store rows count: all leaf partitions, or the table and its children.
_TABLES: Final = """
WITH RECURSIVE tree (oid) AS (
    SELECT %s::regclass::oid
    UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree ON tree.oid = i.inhparent)
SELECT format('%%I.%%I', n.nspname, c.relname), key.names, key.types,
       c.reltuples::bigint, c.relpages, pg_relation_size(c.oid)
FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (
    SELECT array_agg(a.attname::text ORDER BY k.n) AS names,
           array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY k.n) AS types
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
        CROSS JOIN unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k (attnum, n)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
        AND i.indexprs IS NULL AND m.amname = 'btree'
    GROUP BY i.indexrelid, i.indisprimary HAVING bool_and(a.attnotnull)
    ORDER BY i.indisprimary DESC, count(*), i.indexrelid LIMIT 1
) AS key ON true
WHERE c.relkind = 'r' ORDER BY c.oid"""


@dataclass(frozen=True, slots=True)
class Piece:
    """One table that stores rows, with an estimate of their number.

    `key` has (column, type) pairs; it is empty if the table is cut by its blocks.
    """

    name: str
    alias: str
    key: tuple[tuple[str, str], ...]
    rows: int
    blocks: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the key's columns."""
        return tuple(column for column, _ in self.key)


@dataclass(frozen=True, slots=True)
class Range:
    """The rows of a piece between two keys (inclusive, as text); `rows` is an estimate."""

    piece: Piece
    low: list[str]
    high: list[str]
    rows: int


def pieces(connection: Connection, table: str) -> tuple[Piece, ...]:
    """Return the tables that store the rows of a table, each with its key.

    Raises:
        DatabaseError: there is no such table.

    """
    if not exists(connection, table):
        raise DatabaseError(
            f"the table {table} of the backfill does not exist",
            hint="Run `limbeck status` to see whether its expand revision was applied.",
        )
    _refuse_foreign(connection, table)
    block = _number(connection.execute("SHOW block_size").fetchone())
    alias = table.rpartition(".")[2] if '"' not in table else quote(_last(connection, table))
    rows: list[Any] = connection.execute(_TABLES, [table]).fetchall()
    tables = []
    for name, names, types, count, pages, size in rows:
        key = tuple(zip(names, types, strict=True)) if names else ()
        piece = Piece(name, alias, key, 0, -(-size // block))
        tables.append(replace(piece, rows=_rows(connection, piece, count, pages)))
    return tuple(tables)


def _rows(connection: Connection, piece: Piece, count: int, pages: int) -> int:
    """Return about how many rows a piece has now, which had `count` in `pages` when last analysed.

    Until the first ANALYZE, reltuples is -1 and relpages 0. Then, or when the table has more than
    doubled since, a sample of its blocks is counted: rows can be of 30 bytes or of 3,000.
    """
    if count > 0 and piece.blocks <= 2 * pages:
        return round(count * piece.blocks / pages)  # as the planner does (plancat.c)
    if not piece.blocks:
        return 0
    # How many blocks are in the sample is left to chance, so the rows of a block are counted. The
    # same blocks are taken each time: several processes must agree on the total.
    row: Any = connection.execute(
        "SELECT count(*), count(DISTINCT (ctid::text::point)[0]) FROM ONLY"
        f" {piece.name} TABLESAMPLE SYSTEM ({_percent(piece):.6f}) REPEATABLE (1)".encode()
    ).fetchone()
    rows, blocks = row
    whole = blocks if _percent(piece) == _WHOLE else piece.blocks
    return round(rows * whole / blocks) if blocks else 0


def _refuse_foreign(connection: Connection, table: str) -> None:
    row = connection.execute(
        "WITH RECURSIVE tree (oid) AS (SELECT %s::regclass::oid"
        " UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree ON tree.oid = i.inhparent)"
        " SELECT c.oid::regclass::text FROM tree JOIN pg_class c USING (oid) WHERE relkind = 'f'",
        [table],
    ).fetchone()
    if row:
        raise DatabaseError(
            f"{row[0]} is a foreign table, whose rows cannot be backfilled in batches",
            hint="Detach it for the time of the change, and backfill its rows on their server.",
        )


def exists(connection: Connection, table: str) -> bool:
    """Return whether a table with this qualified name exists."""
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
    return bool(row and row[0])


def ranges(connection: Connection, piece: Piece) -> Iterator[Range]:
    """Yield the ranges of a piece; none if it is empty.

    A table whose rows are not stored in key order, as with random UUIDs, is cut by its blocks: in
    key order each batch would read and write blocks all over the table.
    """
    if not piece.blocks:
        return
    by_key = piece.key and _in_order(connection, piece)
    yield from _by_key(connection, piece) if by_key else _by_block(piece)


def by_blocks(piece: Piece) -> Piece:
    """Return the piece without its key, to be cut by its blocks."""
    return Piece(piece.name, piece.alias, (), piece.rows, piece.blocks)


def _by_block(piece: Piece) -> Iterator[Range]:
    count = _count(piece)
    edges = [piece.blocks * n // count for n in range(count + 1)]
    for low, above in pairwise(edges):
        yield Range(by_blocks(piece), [str(low)], [str(above - 1)], piece.rows // count)


def _by_key(connection: Connection, piece: Piece) -> Iterator[Range]:
    columns = ", ".join(quote(column) for column in piece.columns)
    texts = ", ".join(f"{quote(column)}::text" for column in piece.columns)
    backwards = ", ".join(f"{quote(column)} DESC" for column in piece.columns)
    ends = [
        connection.execute(
            f"SELECT ARRAY[{texts}] FROM ONLY {piece.name} ORDER BY {order} LIMIT 1".encode()
        ).fetchone()
        for order in (columns, backwards)
    ]
    if ends[0] is None or ends[1] is None:
        return
    edges = [_texts(ends[0]), *_edges(connection, piece, columns, texts), _texts(ends[1])]
    rows = piece.rows // (len(edges) - 1)
    for low, high in pairwise(edges):
        yield Range(piece, low, high, rows)


def _edges(connection: Connection, piece: Piece, columns: str, texts: str) -> list[list[str]]:
    count = _count(piece)
    if count == 1:
        return []
    rows = connection.execute(
        f"SELECT key FROM (SELECT ARRAY[{texts}] AS key, tile,"
        f" row_number() OVER (PARTITION BY tile ORDER BY {columns}) AS n FROM"
        f" (SELECT *, ntile({count}) OVER (ORDER BY {columns}) AS tile FROM ({_sample(piece)}) s) t"
        f" ) e WHERE n = 1 AND tile > 1 ORDER BY tile".encode()
    ).fetchall()
    return [_texts(row) for row in rows]


def _in_order(connection: Connection, piece: Piece) -> bool:
    columns = ", ".join(quote(column) for column in piece.columns)
    row = connection.execute(
        f"SELECT coalesce(abs(corr(block, place)), 1) >= {_IN_ORDER} FROM ("
        f"SELECT block, row_number() OVER (ORDER BY {columns}) AS place"
        f" FROM ({_sample(piece)}) s) t".encode()
    ).fetchone()
    return bool(row and row[0])


def _sample(piece: Piece) -> str:
    columns = ", ".join(quote(column) for column in piece.columns)
    return (
        f"SELECT {columns}, (ctid::text::point)[0] AS block"
        f" FROM ONLY {piece.name} TABLESAMPLE SYSTEM ({_percent(piece):.6f})"
    )


def _percent(piece: Piece) -> float:
    return min(_WHOLE, _WHOLE * _SAMPLED / max(piece.blocks, 1))


def _count(piece: Piece) -> int:
    return max(1, min(_MOST, piece.rows // _FEWEST_ROWS, piece.blocks))


def _last(connection: Connection, table: str) -> str:
    row = connection.execute(
        "SELECT relname FROM pg_class WHERE oid = %s::regclass", [table]
    ).fetchone()
    return str(row[0]) if row else table


def _texts(row: Sequence[object]) -> list[str]:
    return [str(value) for value in row[0]]  # type: ignore[attr-defined]  # text[]


def _number(row: Sequence[object] | None) -> int:
    return int(str(row[0])) if row else 0
