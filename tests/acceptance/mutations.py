"""Random changes of a live database, each one that Postgres accepts: as a team's other tools do.

A change is drawn by its kind, then by what it needs: a table, a column, a constraint, an index, an
enum. What Postgres refuses (a view needs the column, rows of a key) is rolled back and another one
is drawn, so a seed gives the same changes on the same schema.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import psycopg
from psycopg import sql

Statement: TypeAlias = sql.Composed

TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    AND c.relname <> 'alembic_version'
ORDER BY 1, 2
"""
COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod), attnotnull OR attgenerated <> '', typtype = 'e',
    atthasdef AND attgenerated = ''
FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
WHERE attrelid = format('%%I.%%I', %s::text, %s::text)::regclass AND attnum > 0
    AND NOT attisdropped
ORDER BY attnum
"""
CONSTRAINTS = """
SELECT conname FROM pg_constraint
WHERE conrelid = format('%%I.%%I', %s::text, %s::text)::regclass AND contype IN ('c', 'f', 'u', 'p')
ORDER BY conname
"""
INDEXES = """
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = format('%%I.%%I', %s::text, %s::text)::regclass
ORDER BY c.relname
"""
KEYS = """
SELECT array_agg(attname::text ORDER BY place), array_agg(format_type(atttypid, atttypmod))
FROM pg_constraint
CROSS JOIN unnest(conkey) WITH ORDINALITY AS key(number, place)
JOIN pg_attribute ON attrelid = conrelid AND attnum = number
WHERE conrelid = format('%%I.%%I', %s::text, %s::text)::regclass AND contype = 'p'
GROUP BY conname
"""
ENUMS = """
SELECT n.nspname, t.typname, array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_enum e ON e.enumtypid = t.oid
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')
GROUP BY 1, 2 ORDER BY 1, 2
"""
PLACES = """
SELECT c.oid, 0, format('%I.%I', n.nspname, c.relname) FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
UNION ALL
SELECT c.oid, attnum, format('%I.%I.%I', n.nspname, c.relname, attname) FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY 2, 1
"""
NEW_TYPES = (
    *("integer", "bigint", "text", "character varying(40)", "numeric(12,2)", "boolean", "date"),
    *("timestamp with time zone", "jsonb", "uuid", "text[]", "bytea", "double precision"),
    *("interval", "inet", "int4range", "smallint", "time without time zone"),
)
DEFAULTS = {
    "integer": "7",
    "bigint": "8",
    "text": "'new'",
    "boolean": "false",
    "jsonb": "'{}'",
    "timestamp with time zone": "now()",
    "text[]": "'{}'",
    "numeric(12,2)": "0.5",
    "date": "CURRENT_DATE",
}
# Types that a type may become, most of them without a conversion of one's own.
WIDER = {
    "smallint": ("integer", "bigint"),
    "integer": ("bigint", "numeric(20,0)", "smallint"),
    "bigint": ("numeric", "integer"),
    "text": ("character varying(80)", "character varying"),
    "character varying": ("text", "character varying(200)"),
    "timestamp without time zone": ("timestamp with time zone", "date"),
    "timestamp with time zone": ("timestamp without time zone", "timestamp(3) with time zone"),
    "json": ("jsonb",),
    "date": ("timestamp with time zone",),
    "real": ("double precision",),
    "double precision": ("numeric(10,3)",),
    "boolean": ("text",),
}
WORDS = ("the owner's word", "two\nlines", 'with "quotes" and 100%', "naïve, déjà vu")


@dataclass
class Mutator:
    """A connection, what chances decide, and the kinds of changes."""

    connection: psycopg.Connection[Any]
    chance: random.Random
    number: int = 0
    done: list[str] = field(default_factory=list)

    def rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.connection.execute(query.encode(), values or None).fetchall()

    def name(self, word: str) -> str:
        """Return a name that nothing has."""
        self.number += 1
        return f"{word}_{self.number}"

    def table(self) -> tuple[str, str]:
        """Draw a table."""
        schema, name = self.chance.choice(self.rows(TABLES))
        return schema, name

    def column(self, table: tuple[str, str]) -> tuple[str, str, bool, bool, bool]:
        """Draw a column: name, type, whether it is NOT NULL, an enum, has a default."""
        name, type_, required, enum, default = self.chance.choice(self.rows(COLUMNS, *table))
        return name, type_, required, enum, default

    def enum(self) -> tuple[str, str, list[str]]:
        """Draw an enum and its labels."""
        schema, name, labels = self.chance.choice(self.rows(ENUMS))
        return schema, name, labels


def _of(text: str, *names: str | tuple[str, str], **literals: str) -> Statement:
    """Return a statement with quoted names at each {}, and literals at {name}."""
    given = [sql.Identifier(*([name] if isinstance(name, str) else name)) for name in names]
    quoted = {key: sql.Literal(value) for key, value in literals.items()}
    return sql.SQL(text).format(*given, **quoted)  # type: ignore[arg-type]


def _create_table(m: Mutator) -> Iterator[Statement]:
    other = m.table()
    key = next(iter(m.rows(KEYS, *other)), None)
    parts = ["id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", "label text NOT NULL"]
    if key:
        names = [f"ref_{number}" for number, _ in enumerate(key[0], 1)]
        parts += [f"{name} {type_}" for name, type_ in zip(names, key[1], strict=True)]
        parts.append(f"FOREIGN KEY ({', '.join(names)}) REFERENCES {{}} ON DELETE CASCADE")
    text = f"CREATE TABLE {{}} ({', '.join(parts)})"
    names_ = [(other[0], m.name("new_things"))] + [other] * bool(key)
    yield _of(text, *names_)


def _create_association(m: Mutator) -> Iterator[Statement]:
    one, two = m.table(), m.table()
    keys = [next(iter(m.rows(KEYS, *table)), None) for table in (one, two)]
    if any(key is None or len(key[0]) > 1 for key in keys):
        return
    (left, right) = (key[1][0] for key in keys if key)
    yield _of(
        f"CREATE TABLE {{}} (left_id {left} REFERENCES {{}}, right_id {right} REFERENCES {{}},"
        " PRIMARY KEY (left_id, right_id))",
        (one[0], m.name("new_pairs")),
        one,
        two,
    )


def _drop_table(m: Mutator) -> Iterator[Statement]:
    yield _of("DROP TABLE {} CASCADE", m.table())


def _rename_table(m: Mutator) -> Iterator[Statement]:
    table = m.table()
    yield _of("ALTER TABLE {} RENAME TO {}", table, m.name(table[1][:40]))


def _comment_table(m: Mutator) -> Iterator[Statement]:
    word = m.chance.choice(WORDS)
    yield _of("COMMENT ON TABLE {} IS {word}", m.table(), word=word)


def _add_column(m: Mutator) -> Iterator[Statement]:
    type_ = m.chance.choice(NEW_TYPES)
    default = f" DEFAULT {DEFAULTS[type_]} NOT NULL" if type_ in DEFAULTS else ""
    yield _of(f"ALTER TABLE {{}} ADD {{}} {type_}{default}", m.table(), m.name("added"))


def _add_enum_column(m: Mutator) -> Iterator[Statement]:
    enum = m.enum()
    tail = m.chance.choice(("", "[]", " NOT NULL DEFAULT {label}"))
    text = f"ALTER TABLE {{}} ADD {{}} {{}}{tail}"
    yield _of(text, m.table(), m.name("chosen"), enum[:2], label=enum[2][0])


def _drop_column(m: Mutator) -> Iterator[Statement]:
    table = m.table()
    yield _of("ALTER TABLE {} DROP {} CASCADE", table, m.column(table)[0])


def _rename_column(m: Mutator) -> Iterator[Statement]:
    table = m.table()
    name = m.column(table)[0]
    yield _of("ALTER TABLE {} RENAME {} TO {}", table, name, m.name(name[:40]))


def _retype_column(m: Mutator) -> Iterator[Statement]:
    table = m.table()
    name, type_, _, enum, _ = m.column(table)
    choices = ("text",) if enum else WIDER.get(type_.partition("(")[0], ("text",))
    yield _of(f"ALTER TABLE {{}} ALTER {{}} TYPE {m.chance.choice(choices)}", table, name)


def _comment_column(m: Mutator) -> Iterator[Statement]:
    table, word = m.table(), m.chance.choice(WORDS)
    yield _of("COMMENT ON COLUMN {} IS {word}", (*table, m.column(table)[0]), word=word)


def _require_column(m: Mutator) -> Iterator[Statement]:
    table = m.table()
    name, _, required, *_ = m.column(table)
    verb = "DROP" if required else "SET"
    yield _of(f"ALTER TABLE {{}} ALTER {{}} {verb} NOT NULL", table, name)


def _default_column(m: Mutator) -> Iterator[Statement]:
    table = m.table()
    name, type_, *_, default = m.column(table)
    value = DEFAULTS.get(type_)
    if default or value:
        change = "DROP DEFAULT" if default else f"SET DEFAULT {value}"
        yield _of(f"ALTER TABLE {{}} ALTER {{}} {change}", table, name)


def _add_check(m: Mutator) -> Iterator[Statement]:
    table = m.table()
    name = m.column(table)[0]
    yield _of("ALTER TABLE {} ADD CHECK ({} IS NOT NULL OR true)", table, name)


def _add_unique(m: Mutator) -> Iterator[Statement]:
    table = m.table()
    names = sorted({m.column(table)[0] for _ in range(m.chance.choice((1, 2)))})
    marks = ", ".join("{}" for _ in names)
    yield _of(f"ALTER TABLE {{}} ADD UNIQUE ({marks})", table, *names)


def _add_key(m: Mutator) -> Iterator[Statement]:
    table, other = m.table(), m.table()
    key = next(iter(m.rows(KEYS, *other)), None)
    if key is None:
        return
    names = [m.name("key") for _ in key[0]]
    adds = ", ".join(f"ADD {{}} {type_}" for type_ in key[1])
    yield _of(f"ALTER TABLE {{}} {adds}", table, *names)
    marks = ", ".join("{}" for _ in names)
    tail = m.chance.choice(("", " ON DELETE SET NULL", " DEFERRABLE INITIALLY DEFERRED"))
    text = f"ALTER TABLE {{}} ADD FOREIGN KEY ({marks}) REFERENCES {{}}{tail}"
    yield _of(text, table, *names, other)


def _drop_constraint(m: Mutator) -> Iterator[Statement]:
    table = m.table()
    names = [name for (name,) in m.rows(CONSTRAINTS, *table)]
    yield _of("ALTER TABLE {} DROP CONSTRAINT {} CASCADE", table, m.chance.choice(names))


def _rename_constraint(m: Mutator) -> Iterator[Statement]:
    table = m.table()
    name = m.chance.choice([name for (name,) in m.rows(CONSTRAINTS, *table)])
    new = m.name(name[:40])
    yield _of("ALTER TABLE {} RENAME CONSTRAINT {} TO {}", table, name, new)


def _create_index(m: Mutator) -> Iterator[Statement]:
    table = m.table()
    name, other = m.column(table)[0], m.column(table)[0]
    forms = ("({})", "({} DESC)", "({}, {})", "((({})::text))", "({}) WHERE {} IS NOT NULL")
    form = m.chance.choice(forms)
    unique = m.chance.choice(("", "", "UNIQUE "))
    names = (name, other)[: form.count("{}")]
    yield _of(f"CREATE {unique}INDEX ON {{}} {form}", table, *names)


def _drop_index(m: Mutator) -> Iterator[Statement]:
    table = m.table()
    names = [name for (name,) in m.rows(INDEXES, *table)]
    yield _of("DROP INDEX {}", (table[0], m.chance.choice(names)))


def _rename_index(m: Mutator) -> Iterator[Statement]:
    table = m.table()
    name = m.chance.choice([name for (name,) in m.rows(INDEXES, *table)])
    yield _of("ALTER INDEX {} RENAME TO {}", (table[0], name), m.name(name[:40]))


def _create_enum(m: Mutator) -> Iterator[Statement]:
    table = m.table()
    type_ = (table[0], m.name("new_kind"))
    yield _of("CREATE TYPE {} AS ENUM ('low', 'high-er', '3rd')", type_)
    yield _of("ALTER TABLE {} ADD {} {}", table, m.name("kind"), type_)


def _add_label(m: Mutator) -> Iterator[Statement]:
    schema, name, labels = m.enum()
    where = m.chance.choice(("", " BEFORE {other}"))
    text = f"ALTER TYPE {{}} ADD VALUE {{label}}{where}"
    yield _of(text, (schema, name), label=m.name("label"), other=labels[-1])


def _rename_label(m: Mutator) -> Iterator[Statement]:
    schema, name, labels = m.enum()
    text = "ALTER TYPE {} RENAME VALUE {old} TO {new}"
    yield _of(text, (schema, name), old=m.chance.choice(labels), new=m.name("label"))


KINDS: tuple[Callable[[Mutator], Iterator[Statement]], ...] = (
    *(_create_table, _create_association, _drop_table, _rename_table, _comment_table),
    *(_add_column, _add_enum_column, _drop_column, _rename_column, _retype_column),
    *(_comment_column, _require_column, _default_column),
    *(_add_check, _add_unique, _add_key, _drop_constraint, _rename_constraint),
    *(_create_index, _drop_index, _rename_index),
    *(_create_enum, _add_label, _rename_label),
)


def mutate(
    connection: psycopg.Connection[Any], seed: str, count: int = 20
) -> tuple[list[str], list[str]]:
    """Make random changes to a database, and return their statements and what they renamed.

    Args:
        connection: to the database.
        seed: decides all of them.
        count: how many.

    """
    # It decides what a test does, and guards nothing.
    mutator = Mutator(connection, random.Random(seed))  # noqa: S311
    before = _places(mutator)
    while len(mutator.done) < count:
        kind = mutator.chance.choice(KINDS)
        try:
            with connection.transaction():
                made = []
                for statement in kind(mutator):
                    connection.execute(statement)
                    made.append(statement.as_string(connection))
        except (psycopg.Error, IndexError):
            # Postgres refuses it, or there is nothing to draw from.
            continue
        mutator.done += ["; ".join(made)] if made else []
    after = _places(mutator)
    # Tables come before their columns: the number of a table is 0.
    return mutator.done, [
        f"{_moved(before, after, key)}:{after[key]}"
        for key in before
        if key in after and _moved(before, after, key) != after[key]
    ]


_Places: TypeAlias = dict[tuple[int, int], str]
"""Names of tables and columns by the numbers that stay when they are renamed."""


def _places(mutator: Mutator) -> _Places:
    return {(table, column): name for table, column, name in mutator.rows(PLACES)}


def _moved(before: _Places, after: _Places, key: tuple[int, int]) -> str:
    """Return the name from before; that of a column in its table by the new name."""
    table = (key[0], 0)
    return after[table] + before[key].removeprefix(before[table]) if key[1] else before[key]
