"""Names of pulled classes and attributes beside those that their modules import and use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest
from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass

from limbeck import entities, pull
from limbeck.models.pull.render.reserved import OF_BASES
from tests.postgres.conftest import REPOSITORY
from tests.postgres.test_pull import made

if TYPE_CHECKING:
    from limbeck.postgres.database import Database

MakeDatabase: TypeAlias = "Callable[..., Database]"

# Tables whose classes are named like what modules import: entities, types, typing, the base.
TABLES = [
    *entities.__all__,
    *("Any", "ClassVar", "Optional", "UUID", "Decimal", "StrEnum", "MultiRange"),
    *("Base", "DeclarativeBase", "MappedAsDataclass", "Mapped", "Field", "Relationship"),
    *("SQLModel", "TYPE_CHECKING", "sa", "dt", "postgresql", "Exception", "registry"),
]
# Columns named like what the body of a class uses.
COLUMNS = {
    "Type": "xml", "Any": "jsonb", "Decimal": "numeric", "UUID": "uuid", "dt": "date",
    "date": "date", "datetime": "timestamptz", "sa": "integer DEFAULT 3", "list": "text[]",
    "int": "integer", "str": "text", "dict": "text", "bool": "boolean", "Range": "int4range",
    "postgresql": "inet", "Mapped": "integer", "mapped_column": "integer", "Base": "integer",
    "relationship": "integer", "Field": "text", "Relationship": "text", "Optional": "text",
    "metadata": "text", "registry": "text", "type_annotation_map": "text", "type": "text",
    "_sa_registry": "text", "__table__": "text", "class": "text", "Thing": "text", "MOOD": "text",
    "Mood": "text", "mood": "mood", "things": "text", "thing": "text",
}  # fmt: skip
SQL = f"""
    CREATE TYPE mood AS ENUM ('sad', 'happy');
    CREATE TYPE "Any_enum" AS ENUM ('a'); CREATE TYPE str_enum AS ENUM ('b');
    {"".join(f'CREATE TABLE "{name}" (id serial PRIMARY KEY, x xml, j json);' for name in TABLES)}
    CREATE TABLE thing (id serial PRIMARY KEY, type_id integer REFERENCES "Type",
        parent_id integer REFERENCES thing,
        {", ".join(f'"{name}" {type_}' for name, type_ in COLUMNS.items())});
    CREATE TABLE thing_base (thing_id integer REFERENCES thing, base_id integer REFERENCES "Base",
        PRIMARY KEY (thing_id, base_id));
    CREATE DOMAIN positive AS integer CHECK (VALUE > 0); CREATE SEQUENCE free;
    CREATE VIEW v AS SELECT 1 AS a; CREATE MATERIALIZED VIEW mv AS SELECT 1 AS a;
    CREATE TYPE span AS RANGE (subtype = float8); CREATE TYPE pair AS (a integer, b text);
    CREATE SCHEMA other;
    CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
    CREATE TRIGGER t BEFORE UPDATE ON thing FOR EACH ROW EXECUTE FUNCTION f();
    ALTER TABLE thing ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON thing USING (true);
    CREATE TABLE other.thing (id serial PRIMARY KEY); CREATE TABLE things (id serial PRIMARY KEY);
    CREATE TABLE "Things" (id serial PRIMARY KEY)
"""


@pytest.mark.parametrize(
    ("style", "layout"),
    [("declarative", "file"), ("dataclass", "package"), ("sqlmodel", "file")],
)
def test_no_name_hides_one_that_a_module_uses(
    database: Database,
    make_database: MakeDatabase,
    tmp_path: Path,
    style: pull.Style,
    layout: pull.Layout,
) -> None:
    catalog = made(database, SQL)
    options = pull.Options(layout=layout, style=style)
    files = pull.source(catalog, options)
    for path, text in files.items():
        folder = tmp_path / "models" if layout == "package" else tmp_path
        folder.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    assert pull.prove(files, catalog, make_database("scratch"), options).exact
    if style == "declarative":  # mypy is slow
        own = [
            f"--config-file={REPOSITORY}/pyproject.toml",
            f"--cache-dir={REPOSITORY}/.mypy_cache",
        ]
        words = [sys.executable, "-m", "mypy", *own, "models.py"]
        result = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout


def test_a_class_has_the_better_name_and_the_import_an_alias(database: Database) -> None:
    sql = """
        CREATE TABLE policies (id integer PRIMARY KEY, type text, input text, date date);
        ALTER TABLE policies ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON policies USING (true);
        CREATE TYPE kind AS ENUM ('a'); CREATE TABLE kinds (id integer PRIMARY KEY, kind kind);
        CREATE TABLE order_item (id integer PRIMARY KEY);
        CREATE TABLE order_items (id integer PRIMARY KEY)"""
    catalog = made(database, sql)
    text = pull.source(catalog, pull.Options(layout="file"))["models.py"]
    for line in (
        "from limbeck.entities import Policy as PolicyEntity",
        "class Policy(Base):",
        "    type: Mapped[str | None]",
        "    input: Mapped[str | None]",
        "    date: Mapped[dt.date | None]",
        "class Kind(Base):",
        "class KindEnum(StrEnum):",
        "class OrderItem(Base):",
        "class OrderItems(Base):",
    ):
        assert line in text
    apart = pull.source(catalog)["entities.py"]
    assert "Policy as" not in apart  # its class is in another module


@pytest.mark.parametrize("bases", [(DeclarativeBase,), (MappedAsDataclass, DeclarativeBase)])
def test_the_attributes_of_bases_are_known(bases: tuple[type, ...]) -> None:
    base = type("Base", bases, {})
    assert {name for name in dir(base) if not name.startswith("_")} <= OF_BASES
