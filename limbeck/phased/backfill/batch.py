"""The SQL of one batch: claim a range, update its next rows and advance its position.

The position is a row of limbeck_state.backfill_range. It stays locked until it is committed
together with the rows of the batch, so any worker that finds it unlocked may continue there,
whatever happened to the worker before.
"""

from __future__ import annotations

from typing import Final

from limbeck.dataclass import dataclass
from limbeck.phased.backfill.pieces import Piece
from limbeck.phased.phases import Backfill
from limbeck.schema.sql.quoting import percent_escaped, quote

_MINE: Final = """
mine AS MATERIALIZED (
    SELECT id, low, high FROM limbeck_state.backfill_range
    WHERE backfill = %(backfill)s AND piece = %(piece)s AND NOT done
    ORDER BY id = %(avoid)s::bigint, id <> %(mine)s::bigint, id
    LIMIT 1 FOR UPDATE SKIP LOCKED)"""

_MOVE: Final = """
UPDATE limbeck_state.backfill_range AS r
SET low = coalesce((SELECT next FROM stop), r.high), done = (SELECT next FROM stop) IS NULL,
    changed = r.changed + {changed}, scanned = r.scanned + (SELECT seen FROM stop)
FROM mine WHERE r.id = mine.id
RETURNING r.id, {changed}, (SELECT seen FROM stop)"""


@dataclass(frozen=True, slots=True)
class Batch:
    """The statements of the batches of one piece.

    `update` is a whole batch. A backfill by a Python function uses four others in one transaction:
    `claim`, `rows` (with %(low)s and %(above)s), `write` for each row, and `move`.
    """

    update: str
    claim: str
    rows: str
    write: str
    move: str


def batch(piece: Piece, backfill: Backfill) -> Batch:
    """Return the statements of a batch; their parameters are backfill, piece, mine, avoid, size."""
    alias = percent_escaped(piece.alias)
    table = f"{percent_escaped(piece.name)} AS {alias}"
    wrong = percent_escaped(backfill.where)
    sets = assignments(backfill)
    values = ", ".join(f"{_quoted(name)} = %s" for name in backfill.columns)
    mine = _within(piece, "(SELECT low FROM mine)", "(SELECT coalesce(next, high) FROM mine, stop)")
    given = _within(piece, "%(low)s::text[]", "%(above)s::text[]")
    stop = _stop(piece)
    changed = "(SELECT count(*) FROM changed)"
    return Batch(
        update=f"WITH {_MINE}, {stop}, changed AS (UPDATE ONLY {table} SET {sets}"
        f" WHERE {mine} AND ({wrong}) RETURNING 1) {_MOVE.format(changed=changed)}",
        claim=f"WITH {_MINE}, {stop} SELECT id, low, coalesce(next, high), next, seen"
        " FROM mine, stop",
        rows=f"SELECT {alias}.*, {alias}.ctid::text FROM ONLY {table}"
        f" WHERE {given} AND ({wrong}) FOR NO KEY UPDATE",
        write=f"UPDATE ONLY {table} SET {values} WHERE ctid = %s::tid",
        move="UPDATE limbeck_state.backfill_range SET low = coalesce(%(next)s::text[], high),"
        " done = %(next)s::text[] IS NULL, changed = changed + %(changed)s,"
        " scanned = scanned + %(seen)s WHERE id = %(mine)s",
    )


def wrong(piece: Piece, backfill: Backfill) -> str:
    """Return the statement that counts the wrong rows of some blocks.

    Its parameters are low and above, the first and the last block.
    """
    within = _blocks("%(low)s::bigint", "%(above)s::bigint")
    return (
        f"SELECT count(*) FROM ONLY {percent_escaped(f'{piece.name} AS {piece.alias}')}"
        f" WHERE {within} AND ({percent_escaped(backfill.where)})"
    )


def assignments(backfill: Backfill) -> str:
    """Return the SET list of an UPDATE with parameters."""
    return ", ".join(
        f"{_quoted(name)} = ({percent_escaped(sql)})" for name, sql in backfill.assignments
    )


def _quoted(name: str) -> str:
    return percent_escaped(quote(name))


def _stop(piece: Piece) -> str:
    """Return a CTE with the number of rows in the batch, and the start of the next one or NULL."""
    if not piece.key:
        low, high = (f"(SELECT {end}[1]::bigint FROM mine)" for end in ("low", "high"))
        density = piece.rows / max(1, piece.blocks)
        return (
            f"stop AS MATERIALIZED (SELECT CASE WHEN {low} + %(size)s <= {high}"
            f" THEN ARRAY[({low} + %(size)s)::text] END AS next,"
            f" round(least(%(size)s, {high} - {low} + 1) * {density:.6f})::bigint AS seen)"
        )
    texts = ", ".join(f"{_quoted(column)}::text" for column in piece.columns)
    columns = ", ".join(map(_quoted, piece.columns))
    within = _keys(piece, "(SELECT low FROM mine)", "(SELECT high FROM mine)")
    table = percent_escaped(piece.name)
    return (
        f"stop AS MATERIALIZED (SELECT next, CASE WHEN next IS NOT NULL THEN %(size)s::bigint"
        f" ELSE (SELECT count(*) FROM ONLY {table} WHERE {within}) END AS seen"
        f" FROM (SELECT (SELECT ARRAY[{texts}] FROM ONLY {table}"
        f" WHERE {within} ORDER BY {columns} OFFSET %(size)s LIMIT 1)) AS n (next))"
    )


def _within(piece: Piece, low: str, high: str) -> str:
    if piece.key:
        return _keys(piece, low, high)
    return _blocks(f"({low})[1]::bigint", f"({high})[1]::bigint")


def _blocks(low: str, high: str) -> str:
    return f"ctid >= format('(%%s,0)', {low})::tid AND ctid < format('(%%s,0)', {high} + 1)::tid"


def _keys(piece: Piece, low: str, high: str) -> str:
    columns = ", ".join(map(_quoted, piece.columns))
    ends = [
        ", ".join(
            f"({end})[{n}]::{percent_escaped(type_)}" for n, (_, type_) in enumerate(piece.key, 1)
        )
        for end in (low, high)
    ]
    return f"({columns}) >= ({ends[0]}) AND ({columns}) <= ({ends[1]})"
