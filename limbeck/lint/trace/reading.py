"""Read the facts of a database: whole, or as a difference to those before a statement.

Postgres counts the rows of its own catalogs that a transaction has written, as those of any table.
So the counters tell which catalogs a statement has changed. Whoever changes a row that belongs to a
relation holds a strong lock on the relation until the transaction ends: among those relations, the
server tells the ones whose rows are others than after the statement before, and they are read
again. What other objects spell out, such as the name of a column in a foreign key, changes with a
name: then everything is read.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import psycopg

from limbeck.dataclass import dataclass
from limbeck.lint.trace import queries
from limbeck.lint.trace.facts import Facts
from limbeck.lint.trace.queries import Part
from limbeck.lint.trace.statement import MODES, OF_WRITERS
from limbeck.lint.trace.unseen import unseen

# Rows of these belong to relations.
_OF_RELATIONS: Final = frozenset(
    {
        *("pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_index", "pg_inherits"),
        *("pg_trigger", "pg_policy", "pg_rewrite"),
    }
)
_OF_TYPES: Final = frozenset({"pg_type", "pg_enum"})
_OF_PUBLICATIONS: Final = frozenset(
    {"pg_publication", "pg_publication_rel", "pg_publication_namespace"}
)
# Their names and versions are in the texts of others, and they seldom change.
_OF_ALL: Final = frozenset(
    {"pg_namespace", "pg_extension", "pg_collation", "pg_operator", "pg_opclass"}
)
_CATALOGS: Final = _OF_RELATIONS | _OF_TYPES | _OF_PUBLICATIONS | _OF_ALL | {"pg_proc"}
_COUNTERS: Final = f"""SELECT relname, coalesce(pg_stat_get_xact_tuples_inserted(oid), 0)::bigint,
coalesce(pg_stat_get_xact_tuples_updated(oid), 0)::bigint,
coalesce(pg_stat_get_xact_tuples_deleted(oid), 0)::bigint
FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace
AND relname = ANY ('{{{", ".join(sorted(_CATALOGS))}}}')
AND current_setting('track_counts')::bool"""
_STRONG: Final = MODES[OF_WRITERS + 1 :]
# Where the rows of a relation are, by the column of each catalog that refers to it. A row that
# changes gets another place, and until the transaction ends no other row gets the old one.
_PLACES: Final = (
    ("pg_class", "oid"),
    ("pg_attribute", "attrelid"),
    ("pg_attrdef", "adrelid"),
    ("pg_constraint", "conrelid"),
    ("pg_index", "indrelid"),
    ("pg_index", "indexrelid"),
    ("pg_inherits", "inhrelid"),
    ("pg_trigger", "tgrelid"),
    ("pg_policy", "polrelid"),
    ("pg_rewrite", "ev_class"),
)
_VERSIONS: Final = " UNION ALL ".join(
    f"SELECT hashtidextended(ctid, {number}) AS place FROM {catalog} WHERE {column} = locked.oid"
    for number, (catalog, column) in enumerate(_PLACES)
)
_CHANGED: Final = unseen(
    "objects",
    f"""SELECT concat_ws(',', oid, (SELECT bit_xor(place) FROM ({_VERSIONS}) AS places)) AS line
    FROM (SELECT DISTINCT relation AS oid FROM pg_locks
        WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted AND relation >= 16384
        AND mode = ANY ('{{{", ".join(_STRONG)}}}')) AS locked""",
)
_PUBLICATIONS: Final = "SELECT count(*) FROM pg_publication"
Counts = Mapping[str, tuple[int, int, int]]
"""Rows inserted, updated and deleted by catalog; empty if the server does not count."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What the transaction has done to the catalogs since some moment, and to which relations."""

    counts: Counts
    changed: frozenset[str] = frozenset()
    relations: tuple[int, ...] = ()
    everything: bool = False


def whole(connection: psycopg.Connection[Any], before: Facts | None = None) -> Facts:
    """Return the facts of a database, as the next ones if there are others before them."""
    rows = _read(connection, [(part, part.of_all()) for part in queries.ALL])
    return (before or Facts()).replaced(rows)


def counts(cursor: psycopg.Cursor[Any]) -> Counts:
    """Return how many rows of catalogs the transaction has written."""
    return {name: (i, u, d) for name, i, u, d in cursor.execute(_COUNTERS.encode()).fetchall()}


def of_relations(
    connection: psycopg.Connection[Any],
    before: Facts,
    relations: Iterable[int],
    others: Sequence[Part] = (),
) -> Facts:
    """Return the facts after a change of some relations, and of other parts as a whole.

    Args:
        connection: Where they are read.
        before: The facts before the change.
        relations: The oids of the relations, of new and dropped ones, too.
        others: The parts that belong to no relation.

    """
    oids = sorted(set(relations))
    array = f"'{{{','.join(map(str, oids))}}}'::oid[]"
    asked = [(part, part.of_relations(array)) for part in queries.OF_RELATIONS]
    rows = _read(connection, [*asked, *((part, part.of_all()) for part in others)])
    after = before.replaced(rows, _concerned(before, oids, others))
    return whole(connection, after) if _respelled(before, after) else after


def since(connection: psycopg.Connection[Any], before: Facts, was: Counts) -> tuple[Facts, Counts]:
    """Return the facts after a statement of the open transaction, and the new counts.

    Args:
        connection: The connection of the statement.
        before: The facts before it.
        was: The counts when those were read.

    """
    effect = _effect(connection, was)
    if effect.everything:
        return whole(connection, before), effect.counts
    if not effect.changed:
        return before, effect.counts
    others = [
        part
        for part, catalogs in (
            (queries.TYPES, _OF_TYPES),
            (queries.FUNCTIONS, {"pg_proc"}),
            (queries.PUBLISHED, _OF_PUBLICATIONS),
        )
        if effect.changed & catalogs
    ]
    return of_relations(connection, before, effect.relations, others), effect.counts


def _effect(connection: psycopg.Connection[Any], was: Counts) -> Effect:
    # Without a savepoint: the server has to remember what it has answered.
    cursor = psycopg.Cursor(connection)
    cursor.execute(f"{_COUNTERS}; {_CHANGED}; {_PUBLICATIONS}".encode())
    rows, lines, published = _sets(cursor)
    now = {name: (i, u, d) for name, i, u, d in rows}
    changed = {name for name in now if now[name] != was.get(name, (0, 0, 0))}
    if published[0][0] and changed & _OF_RELATIONS:  # one may publish all tables
        changed.add("pg_publication")
    # Only a table's type is inserted and deleted with it; a change is one of a name or a domain.
    retyped = now.get("pg_type", (0, 0, 0))[1] != was.get("pg_type", (0, 0, 0))[1]
    everything = not now or not was or retyped or bool(changed & _OF_ALL)
    relations = tuple(int(line.partition(",")[0]) for (line,) in lines if line)
    return Effect(now, frozenset(changed), relations, everything)


def _concerned(before: Facts, oids: Sequence[int], others: Sequence[Part]) -> dict[str, list[Any]]:
    """Return the keys of what has been read again."""
    kinds = {part.kind for part in (*queries.OF_RELATIONS, *others)} - {""}
    indexes = [key for oid in oids for key in before.indexes.group(oid)]
    everywhere = before.others if queries.PUBLISHED in others else before.others.group(0)
    return {
        "relations": [*oids, *indexes],
        "columns": [key for oid in oids for key in before.columns.group(oid)],
        "constraints": [key for oid in (0, *oids) for key in before.constraints.group(oid)],
        "indexes": [*indexes, *(oid for oid in oids if oid in before.indexes)],
        "triggers": [key for oid in oids for key in before.triggers.group(oid)],
        "types": list(before.types) if queries.TYPES in others else [],
        "others": [
            key
            for key in {*everywhere, *(key for oid in oids for key in before.others.group(oid))}
            if key[0] in kinds
        ],
    }


def _respelled(before: Facts, after: Facts) -> bool:
    """Return whether a name or a domain has changed, which others spell out or consist of."""
    pairs = (
        *after.relations.since(before.relations).values(),
        *after.columns.since(before.columns).values(),
        *after.others.since(before.others).values(),
    )
    renamed = any(was and now and _name(was) != _name(now) for was, now in pairs)
    constraints = after.constraints.since(before.constraints).values()
    domains = {each.domain for pair in constraints for each in pair if each}
    return renamed or any(domain in before.types for domain in domains)


def _name(value: Any) -> tuple[str, str]:
    return getattr(value, "schema", ""), value.name


def _read(
    connection: psycopg.Connection[Any], asked: Sequence[tuple[Part, str]]
) -> dict[str, list[Any]]:
    results = _results(connection, [sql for _, sql in asked])
    read: dict[str, list[Any]] = {}
    for (part, _), rows in zip(asked, results, strict=True):
        lists = any(isinstance(value, list) for row in rows[:1] for value in row)
        values = (map(_frozen, row) for row in rows) if lists else rows
        read.setdefault(part.facts, []).extend(itertools.starmap(part.row, values))
    return read


def _results(connection: psycopg.Connection[Any], texts: Sequence[str]) -> list[list[Any]]:
    """Return the rows of queries, which are sent together.

    Inside a transaction they run under a savepoint, so that their locks are released and do not
    look like those of the revision.
    """
    cursor = psycopg.Cursor(connection)
    inside = connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE
    before, after = (
        ("SAVEPOINT limbeck_facts;", "; ROLLBACK TO limbeck_facts; RELEASE limbeck_facts")
        if inside
        else ("", "")
    )
    cursor.execute((before + "; ".join(texts) + after).encode())
    return list(_sets(cursor))


def _sets(cursor: psycopg.Cursor[Any]) -> Iterator[list[Any]]:
    more: bool | None = True
    while more:
        if cursor.description is not None:
            yield cursor.fetchall()
        more = cursor.nextset()


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value
