"""The tables that rows are really in, and the ranges that each is cut into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from limbeck.errors import DatabaseError
from limbeck.postgres.connect import Connection
from limbeck.schema.catalog.names import quote

_MOST: Final = 32  # ranges of a table
_FEWEST_ROWS: Final = 20_000  # of a range, as far as is known
_SAMPLED: Final = 200  # blocks that are read to see where the keys are
_ROW: Final = 150  # bytes of a row of which nothing is known
_IN_ORDER: Final = 0.9  # correlation from which rows stand in the order of their key

# The key is the primary one, or else the unique one with the fewest columns. `only` parts are
# the tables with rows of their own: all partitions, or the table and what inherits from it.
_TABLES: Final = """
WITH RECURSIVE tree (oid) AS (
    SELECT %s::regclass::oid
    UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree ON tree.oid = i.inhparent)
SELECT format('%%I.%%I', n.nspname, c.relname), key.names, key.types,
       c.reltuples::bigint, pg_relation_size(c.oid)
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
    """One table with rows of its own, as many as Postgres estimates.

    `key` has (column, type) pairs; it is empty where the table is cut by its blocks.
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
    """The rows of a piece from one key to another, both among them, as text; `rows` is a guess."""

    piece: Piece
    low: list[str]
    high: list[str]
    rows: int


def pieces(connection: Connection, table: str) -> tuple[Piece, ...]:
    """Return the tables that the rows of a table are in, each with the key it has.

    Raises:
        DatabaseError: there is no such table.

    """
    if not exists(connection, table):
        raise DatabaseError(
            f"there is no table {table}, whose rows are to be filled in",
            hint="Was its expand revision applied? limbeck status shows it.",
        )
    _refuse_foreign(connection, table)
    block = _number(connection.execute("SHOW block_size").fetchone())
    alias = table.rpartition(".")[2] if '"' not in table else quote(_last(connection, table))
    rows = connection.execute(_TABLES, [table]).fetchall()
    return tuple(
        Piece(
            str(name),
            alias,
            tuple(zip(names, types, strict=True)) if names else (),  # type: ignore[call-overload]  # text[]
            # Of a table that was never analysed nothing is known but its size.
            int(str(count)) if int(str(count)) > 0 else -(-int(str(size)) // _ROW),
            -(-int(str(size)) // block),
        )
        for name, names, types, count, size in rows
    )


def _refuse_foreign(connection: Connection, table: str) -> None:
    row = connection.execute(
        "WITH RECURSIVE tree (oid) AS (SELECT %s::regclass::oid"
        " UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree ON tree.oid = i.inhparent)"
        " SELECT c.oid::regclass::text FROM tree JOIN pg_class c USING (oid) WHERE relkind = 'f'",
        [table],
    ).fetchone()
    if row:
        raise DatabaseError(
            f"{row[0]} is on another server, where its rows cannot be filled in by batches",
            hint="Detach it for the time of the change, and fill its rows in there.",
        )


def exists(connection: Connection, table: str) -> bool:
    """Tell whether there is a table of a whole name."""
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
    return bool(row and row[0])


def ranges(connection: Connection, piece: Piece) -> Iterator[Range]:
    """Yield the ranges of a piece; none where it is empty.

    A table whose rows do not stand in the order of their key, as with a random UUID, is cut by
    its blocks: by its key each batch would read and write blocks from all over the table.
    """
    if not piece.blocks:
        return
    by_key = piece.key and _in_order(connection, piece)
    yield from _by_key(connection, piece) if by_key else _by_block(piece)


def by_blocks(piece: Piece) -> Piece:
    """Return the piece as it is cut by its blocks."""
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
    percent = min(100.0, 100.0 * _SAMPLED / max(piece.blocks, 1))
    return (
        f"SELECT {columns}, (ctid::text::point)[0] AS block"
        f" FROM ONLY {piece.name} TABLESAMPLE SYSTEM ({percent:.6f})"
    )


def _count(piece: Piece) -> int:
    return max(1, min(_MOST, piece.rows // _FEWEST_ROWS, piece.blocks))


def _last(connection: Connection, table: str) -> str:
    row = connection.execute(
        "SELECT relname FROM pg_class WHERE oid = %s::regclass", [table]
    ).fetchone()
    return str(row[0]) if row else table


def _texts(row: Sequence[object]) -> list[str]:
    return [str(one) for one in row[0]]  # type: ignore[attr-defined]  # text[]


def _number(row: Sequence[object] | None) -> int:
    return int(str(row[0])) if row else 0
