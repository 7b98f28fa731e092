"""Insert a row through every mapped class of a project's models, and read it again.

A program, run in the project's folder: rows.py MODULE URL. What went wrong is printed, a line each,
and then how many classes there are; in the end everything is rolled back.
"""

from __future__ import annotations

import importlib
import itertools
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import sqlalchemy as sa
from psycopg import errors
from sqlalchemy.orm import Mapper, Session, configure_mappers

Values: TypeAlias = dict[str, Any]

TRIES = 2000
# What is tried for every type, in this order, as the text that Postgres reads.
TEXTS = (
    *("1", "2024-05-17 12:30", "true", "a", "a.b", '{"a": [1, null]}', "{1}", "[1,2,3]", "(1,2)"),
    *("1010", "127.0.0.1", "08:00:2b:01:02:03", "00000000-0000-0000-0000-000000000007"),
    *("((0,0),(1,1))", "[1,2)", "[2024-05-17,)", "0/0", "a=>b", "pg_class", "<a/>", "{}", "0"),
    *("2", "-1", "100", "0.5", "1960-01-01", "2022-01-05", "x" * 32, "https://example.org/"),
    *("ab", "A", "en", "a@example.org", *(f"({',' * number})" for number in range(20))),
)


class Filling:
    """A session that gives every table a row."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.rows: dict[sa.Table, Mapping[str, Any]] = {}
        self.read: dict[tuple[str, tuple[str, ...]], list[Any]] = {}

    def readings(self, type_: sa.types.TypeEngine[Any], *more: str) -> list[Any]:
        """Return what Postgres reads the texts as, where they are values of the type."""
        key = (repr(type_), more)
        if key not in self.read:
            labels = getattr(getattr(type_, "item_type", type_), "enums", ())
            texts = [*labels, *(f"{{{label}}}" for label in labels), *more, *TEXTS]
            self.read[key] = [one for text in texts for one in self._reading(text, type_)]
        return self.read[key]

    def _reading(self, text: str, type_: sa.types.TypeEngine[Any]) -> Iterator[Any]:
        try:
            with self.session.begin_nested():
                literal = "'" + text.replace("'", "''") + "'"
                spoken: sa.ColumnClause[str] = sa.literal_column(literal)
                yield self.session.scalar(sa.select(sa.cast(spoken, type_)))
        except (sa.exc.DBAPIError, LookupError, ValueError):
            return

    def given(self, table: sa.Table, taken: Mapping[str, Any]) -> Values:
        """Return values for a row; `taken` are chosen already."""
        values: Values = {}
        for column in table.columns:
            filled = column.server_default is not None or column.computed or column.identity
            if not filled and column is not table.autoincrement_column:
                first = next(iter(self.readings(column.type)), None)
                values[column.name] = first
        for key in table.foreign_key_constraints:
            values |= self.referring(key, values)
        return values | dict(taken)

    def referring(self, key: sa.ForeignKeyConstraint, values: Values) -> Values:
        """Return values that refer to the parent's row, to the same row, or to none."""
        pairs = [(element.parent, element.column) for element in key.elements]
        parent = self.rows.get(key.referred_table)
        if parent is not None:
            return {own.name: parent[other.name] for own, other in pairs}
        if all(not own.nullable for own, _ in pairs) and key.referred_table is key.table:
            own_key = {other.name: values.get(other.name, 7) for _, other in pairs}
            return own_key | {own.name: own_key[other.name] for own, other in pairs}
        return {own.name: None for own, _ in pairs if own.nullable}

    def fill(self, table: sa.Table, mapper: Mapper[Any] | None) -> str | None:
        """Insert a row and read it; return what went wrong."""
        chosen: Values = {}
        choices: dict[str, Iterator[Values]] = {}
        for _ in range(TRIES):
            values = self.given(table, chosen)
            try:
                with self.session.begin_nested():
                    self.rows[table] = self.insert(table, mapper, values)
                return self.difference(mapper, table, values) if mapper else None
            except sa.exc.DBAPIError as error:
                name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
                if not isinstance(error.orig, errors.IntegrityError) or name is None:
                    return str(error.orig)
                found = choices.setdefault(name, self.others(table, name))
                other = next(found, None)
                if other is None:
                    return str(error.orig)
                chosen |= other
        return "no row found that the constraints allow"

    def others(self, table: sa.Table, constraint: str) -> Iterator[Values]:
        """Yield other values for the columns that a constraint speaks of."""
        query = sa.text(
            "SELECT pg_get_constraintdef(c.oid), array(SELECT attname::text FROM pg_attribute "
            "WHERE attrelid = c.conrelid AND attnum = ANY (c.conkey) ORDER BY attnum) "
            "FROM pg_constraint c WHERE conname = :name AND conrelid = to_regclass(:table)"
        )
        spelled = self.session.get_bind().dialect.identifier_preparer.format_table(table)
        found = self.session.execute(query, {"name": constraint, "table": spelled}).first()
        definition, names = found or ("", [])
        literals = tuple(re.findall(r"'((?:[^']|'')*)'", definition))
        numbers = tuple(re.findall(r"\b\d+\b", definition))
        columns = [column for column in table.columns if column.name in names]
        pools = [
            [*([None] if one.nullable else []), *self.readings(one.type, *literals, *numbers)]
            for one in columns
        ]
        for combination in itertools.product(*pools):
            yield dict(zip((one.name for one in columns), combination, strict=True))

    def insert(self, table: sa.Table, mapper: Mapper[Any] | None, values: Values) -> Values:
        """Insert a row and return what the table holds then."""
        if mapper is None:
            self.session.execute(sa.insert(table).values(values))
            condition: sa.ColumnElement[bool] = sa.true()
        else:
            attributes = {
                mapper.get_property_by_column(table.c[k]).key: v for k, v in values.items()
            }
            made = mapper.class_(**attributes)
            self.session.add(made)
            self.session.flush()
            key = zip(mapper.primary_key, sa.inspect(made).identity, strict=True)
            condition = sa.and_(*(column == value for column, value in key))
            self.session.expunge_all()
        row = self.session.execute(sa.select(*table.columns).where(condition)).mappings().first()
        return {column.name: row[column] for column in table.columns} if row else {}

    def difference(self, mapper: Mapper[Any], table: sa.Table, values: Values) -> str | None:
        """Read the row through the class; return what is not as it was given."""
        identity = tuple(self.rows[table][column.name] for column in mapper.primary_key)
        found = self.session.get(mapper.class_, identity)
        if found is None:
            return f"no row {identity}"
        for name, value in values.items():
            attribute = mapper.get_property_by_column(table.c[name]).key
            if (seen := getattr(found, attribute)) != value:
                return f"{attribute} is {seen!r}, not {value!r}"
        for relationship in mapper.relationships:
            getattr(found, relationship.key)
        self.session.expunge_all()
        return None


def main() -> None:
    """Fill every table that the models declare."""
    sys.path.insert(0, "")
    module, url = sys.argv[1:]
    base = importlib.import_module(module).Base
    configure_mappers()
    mappers = {mapper.local_table: mapper for mapper in base.registry.mappers}
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection, Session(connection) as session:
        filling = Filling(session)
        tables = sa.schema.sort_tables_and_constraints(base.metadata.tables.values())  # type: ignore[no-untyped-call]
        for table, _ in tables:
            wrong = filling.fill(table, mappers.get(table)) if table is not None else None
            if wrong:
                sys.stdout.write(f"{table}: {wrong.splitlines()[0]}\n")
        session.rollback()
    sys.stdout.write(f"{len(mappers)} classes\n")


if __name__ == "__main__":
    main()
