"""Values of pulled columns: they are what the annotation says, and None is NULL."""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable, Iterator
from types import ModuleType, UnionType
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session

from limbeck import pull
from limbeck.postgres.connect import as_sqlalchemy, connect
from tests.postgres.test_pull import made

if TYPE_CHECKING:
    from limbeck.postgres.database import Database

Import: TypeAlias = "Callable[[Database, pull.Style], Any]"

BEFORE = """
    CREATE EXTENSION citext; CREATE EXTENSION ltree; CREATE EXTENSION hstore;
    CREATE TYPE pair AS (a integer, b text); CREATE TYPE mood AS ENUM ('sad', 'happy');
    CREATE DOMAIN pos AS integer CHECK (VALUE > 0); CREATE DOMAIN label AS citext;
    CREATE DOMAIN pos_again AS pos; CREATE DOMAIN many AS integer[]; CREATE DOMAIN about AS jsonb;
    CREATE DOMAIN feeling AS mood; CREATE DOMAIN at AS timestamptz;
    CREATE TYPE span AS RANGE (subtype = float8, multirange_type_name = spans);
"""
# A value of each type, in SQL.
VALUES = {
    "citext": "'a'", "citext[]": "'{a,b}'", "ltree": "'a.b'", "ltree[]": "'{a.b}'",
    "pair": "'(1,x)'", "pair[]": "ARRAY['(1,x)'::pair]", "mood": "'sad'", "mood[]": "'{sad}'",
    "pos": "1", "pos[]": "'{1,2}'", "pos_again[]": "'{1}'", "label": "'a'", "label[]": "'{a}'",
    "many": "'{1}'", "many[]": "ARRAY['{1}'::many]", "about": "'{\"a\": 1}'",
    "feeling": "'sad'", "feeling[]": "'{sad}'", "at": "now()", "at[]": "ARRAY[now()]",
    "span": "'[1,2)'", "span[]": "ARRAY['[1,2)'::span]", "spans": "'{[1,2)}'",
    "hstore": "'a=>1'", "hstore[]": "ARRAY['a=>1'::hstore]", "money": "1.5", "money[]": "'{1.5}'",
    "bit(3)": "B'101'", "bit(3)[]": "'{101}'", "varbit": "B'1'", "interval": "'1 day'",
    "interval[]": "'{1 day}'", "int4range": "'[1,2)'", "tstzrange[]": "'{\"[2020-1-1,]\"}'",
    "nummultirange": "'{[1,2)}'", "int4multirange[]": "ARRAY['{[1,2)}'::int4multirange]",
    "jsonpath": "'$.a'", "json": "'[1]'", "jsonb[]": "ARRAY['{}'::jsonb]",
    "inet": "'1.2.3.4'", "macaddr": "'08:00:2b:01:02:03'", "point": "'(1,2)'", "box[]": "NULL",
    "numeric[]": "'{1.5}'", "uuid[]": "ARRAY[gen_random_uuid()]", "bytea[]": "'{x}'",
    '"char"': "'a'", "name[]": "'{a}'", "oid": "1", "timetz": "'10:00+1'", "date[]": "'{2020-1-1}'",
    "tsvector": "'a'", "regclass": "'pg_class'", "regtype": "'int4'", "pg_lsn": "'0/1'",
    "real": "1.5", "bool[]": "'{t}'", "int2vector": "'1 2'", "time": "'10:00'",
}  # fmt: skip


@pytest.fixture
def imported() -> Iterator[Import]:
    """A function that pulls a database in a style and imports the models."""
    module = ModuleType("pulled_values")
    sys.modules[module.__name__] = module

    def import_(database: Database, style: pull.Style = "declarative") -> Any:
        text = pull.source(made(database, ""), pull.Options(layout="file", style=style))
        exec(compile(text["models.py"], "models.py", "exec", dont_inherit=True), vars(module))  # noqa: S102 - what is tested
        return module

    yield import_
    del sys.modules[module.__name__]


def test_values_are_what_the_annotations_say(database: Database, imported: Import) -> None:
    columns = ", ".join(f"c{number} {type_}" for number, type_ in enumerate(VALUES))
    values = ", ".join(VALUES.values())
    made(database, f"{BEFORE}; CREATE TABLE t (id serial PRIMARY KEY, {columns})")
    made(database, f"INSERT INTO t VALUES (DEFAULT, {values})")
    models = imported(database, "declarative")
    hints = typing.get_type_hints(models.T, localns={"Mapped": Mapped})
    with connect(database) as connection, as_sqlalchemy(connection) as target:
        session = Session(target)
        row = session.scalars(sa.select(models.T)).one()
        got = {name: getattr(row, name) for name in hints if name.startswith("c")}
        wrong = {
            type_: got[f"c{number}"]
            for number, type_ in enumerate(VALUES)
            if not conforms(got[f"c{number}"], typing.get_args(hints[f"c{number}"])[0])
        }
        assert wrong == {}
        again = models.T(**got)
        session.add(again)
        session.flush()
        session.expire(again)
        assert {name: getattr(again, name) for name in got} == got


def conforms(value: object, annotation: Any) -> bool:
    """Return whether a value is one of an annotation's, and of a list all items are."""
    if annotation is Any:
        return True
    origin = typing.get_origin(annotation)
    if origin in {typing.Union, UnionType}:
        return any(conforms(value, choice) for choice in typing.get_args(annotation))
    if origin is list and isinstance(value, list):
        return all(conforms(item, typing.get_args(annotation)[0]) for item in value)
    return isinstance(value, origin or annotation)


@pytest.mark.parametrize("style", ["declarative", "dataclass", "sqlmodel"])
def test_what_is_left_out_is_no_null_of_json(
    database: Database, imported: Import, style: pull.Style
) -> None:
    sql = "id serial PRIMARY KEY, j jsonb NOT NULL DEFAULT '{}', n jsonb, k json, a jsonb[]"
    made(database, f"CREATE TABLE t ({sql})")
    models = imported(database, style)
    with connect(database) as connection, as_sqlalchemy(connection) as target:
        session = Session(target)
        session.add(models.T())
        session.add(models.T(n={"a": None}, k=[1]))
        session.flush()
        rows = target.execute(sa.text("SELECT j::text, n::text, k::text FROM t ORDER BY id"))
        assert [tuple(row) for row in rows] == [("{}", None, None), ("{}", '{"a": null}', "[1]")]


def test_a_view_is_read_as_its_table_is_and_takes_no_rows(
    database: Database, imported: Import
) -> None:
    columns = ", ".join(f"c{number} {type_}" for number, type_ in enumerate(VALUES))
    made(database, f"{BEFORE}; CREATE TABLE t (id serial PRIMARY KEY, {columns})")
    made(database, f"INSERT INTO t VALUES (DEFAULT, {', '.join(VALUES.values())})")
    made(database, "CREATE VIEW sa AS TABLE t; CREATE MATERIALIZED VIEW kept AS SELECT id FROM t")
    models = imported(database)
    of_table, of_view = sa.select(models.T.__table__), sa.select(models.sa_view)
    with connect(database) as connection, as_sqlalchemy(connection) as target:
        assert target.execute(of_view).one() == target.execute(of_table).one()
        found = target.execute(sa.select(models.kept.c.id).where(models.kept.c.id > 0))
        assert found.scalars().all() == [1]
    for change in (sa.insert, sa.update, sa.delete):
        with pytest.raises(sa.exc.ArgumentError, match="expected, got"):
            change(models.sa_view)
