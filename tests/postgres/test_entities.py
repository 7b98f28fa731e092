"""Entities: what is declared beside models is created, in order, and only once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from limbeck.entities import (
    Collation,
    Composite,
    Definition,
    Domain,
    Extension,
    Function,
    MaterializedView,
    NotNull,
    Partition,
    Policy,
    Procedure,
    Range,
    RowSecurity,
    Rule,
    Schema,
    Sequence,
    Statement,
    Statistics,
    TableConstraint,
    Trigger,
    Type,
    View,
    entities,
)
from limbeck.postgres.connect import as_sqlalchemy, connect
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.read import read

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from limbeck.schema.catalog.catalog import Catalog

TOUCH = """CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RETURN new; END $$"""


def bookshop() -> sa.MetaData:
    """Models with one of each entity; what needs tables is declared before them."""

    class Base(DeclarativeBase):
        pass

    metadata = Base.metadata
    View("loud", "SELECT slug(title) AS slug FROM books WHERE title LIKE 'a%:b'", metadata=metadata)
    Extension("citext", metadata=metadata)
    Schema("stock", metadata=metadata, comment="what there is")
    isbn = Domain(
        "isbn", "text", checks={"digits": "VALUE ~ '^[0-9]+$'"}, not_null=True, metadata=metadata
    )
    Composite("size", {"width": "numeric", "height": "numeric"}, metadata=metadata)
    Range("span", "float8", metadata=metadata, schema="stock")
    Collation("plain", {"provider": "libc", "locale": "'C'"}, metadata=metadata)
    Sequence("shelf", "AS smallint", "CYCLE", owned_by=("books", "shelf"), metadata=metadata)
    Function(
        "slug(text)",
        "CREATE OR REPLACE FUNCTION slug(t text) RETURNS text IMMUTABLE LANGUAGE sql "
        "AS $$ SELECT lower(t) || '%' $$",
        metadata=metadata,
        comment="it's lower",
    )
    Function("touch()", TOUCH, metadata=metadata)
    Function(
        "everything()",
        "CREATE OR REPLACE FUNCTION everything() RETURNS SETOF books LANGUAGE sql "
        "AS $$ SELECT * FROM books $$",
        metadata=metadata,
        before_tables=False,
    )
    Procedure(
        "nothing()",
        "CREATE OR REPLACE PROCEDURE nothing() LANGUAGE sql AS $$ DELETE FROM books $$",
        metadata=metadata,
    )

    class Book(Base):
        __tablename__ = "books"
        __table_args__ = (
            NotNull("title", name="has_a_title"),
            TableConstraint("EXCLUDE USING btree (title WITH =)", name="once"),
        )

        id: Mapped[int] = mapped_column(primary_key=True)
        title: Mapped[str]
        isbn: Mapped[str] = mapped_column(Type("isbn"))
        size: Mapped[Any] = mapped_column(Type("size"))
        shelf: Mapped[int | None] = mapped_column(server_default=sa.text("nextval('shelf')"))
        slug: Mapped[str] = mapped_column(sa.Computed("slug(title)", persisted=True))

    assert isbn.type.get_col_spec() == '"isbn"'
    sa.Table("sales", metadata, sa.Column("at", sa.Date), postgresql_partition_by="RANGE (at)")
    Partition(
        "sales_2024", "sales", "FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')", metadata=metadata
    )
    short = sa.select(Book.id, Book.title).where(Book.title.like("%a%"), Book.id > 1)
    view = View("short", short, metadata=metadata, comment="few", comments={"id": "its number"})
    assert [column.name for column in view.table.columns] == ["id", "title"]
    MaterializedView("kept", short, metadata=metadata, with_data=False)
    Statement(
        "CREATE INDEX kept_id ON kept (id)",
        metadata=metadata,
        unless="to_regclass('kept_id') IS NOT NULL",
    )
    Trigger(
        "touched",
        Book,
        "CREATE TRIGGER touched BEFORE UPDATE ON books FOR EACH ROW EXECUTE FUNCTION touch()",
        metadata=metadata,
        enabled="D",
    )
    RowSecurity(Book, metadata=metadata, force=True)
    Policy("own", Book, metadata=metadata, command="SELECT", using="id > 0")
    Rule(
        "silent",
        "sales",
        "CREATE RULE silent AS ON DELETE TO sales DO INSTEAD NOTHING",
        metadata=metadata,
    )
    Statistics("together", "CREATE STATISTICS together ON id, title FROM books", metadata=metadata)
    Definition(
        "CAST",
        "(size AS text)",
        "CREATE CAST (size AS text) WITH INOUT",
        metadata=metadata,
        exists="EXISTS (SELECT FROM pg_cast WHERE castsource = to_regtype('size'))",
        comment="as it is written",
    )
    return metadata


EXPECTED = [
    ("schema", "", "stock", ""),
    ("extension", "", "citext", ""),
    ("domain", "public", "isbn", ""),
    ("composite", "public", "size", ""),
    ("range", "stock", "span", ""),
    ("collation", "public", "plain", ""),
    ("sequence", "public", "shelf", ""),
    ("function", "public", "slug(text)", ""),
    ("function", "public", "everything()", ""),
    ("function", "public", "nothing()", ""),
    ("table", "public", "sales_2024", ""),
    ("view", "public", "loud", ""),
    ("view", "public", "short", ""),
    ("view", "public", "kept", ""),
    ("index", "public", "kept_id", ""),
    ("trigger", "public", "books", "touched"),
    ("policy", "public", "books", "own"),
    ("rule", "public", "sales", "silent"),
    ("statistics", "public", "together", ""),
    ("constraint", "public", "books", "once"),
]


@pytest.fixture
def metadata() -> sa.MetaData:
    """The bookshop's models."""
    return bookshop()


@pytest.fixture
def target(database: Database) -> Iterator[sa.Connection]:
    """A SQLAlchemy connection to an empty database."""
    with connect(database) as connection, as_sqlalchemy(connection) as found:
        yield found


def catalog(database: Database) -> Catalog:
    """What the database holds now."""
    with connect(database) as connection:
        return read(connection)


@pytest.mark.parametrize("checkfirst", [True, False])
def test_create_all_makes_everything_in_order(
    metadata: sa.MetaData, target: sa.Connection, database: Database, *, checkfirst: bool
) -> None:
    with target.begin():
        metadata.create_all(target, checkfirst=checkfirst)
    found = catalog(database)
    missing = [place for place in EXPECTED if Address(*place) not in found.objects]
    assert missing == []


def test_a_second_create_all_changes_nothing(
    metadata: sa.MetaData, target: sa.Connection, database: Database
) -> None:
    with target.begin():
        metadata.create_all(target)
    first = catalog(database)
    with target.begin():
        metadata.create_all(target)
    assert first.changes_to(catalog(database)) == ()


def test_details_are_kept(metadata: sa.MetaData, target: sa.Connection, database: Database) -> None:
    with target.begin():
        metadata.create_all(target)
    objects: dict[Address, Any] = dict(catalog(database).objects)
    books = objects[Address("table", "public", "books")]
    assert (books.row_security, books.force_row_security) == (True, True)
    assert objects[Address("trigger", "public", "books", "touched")].enabled == "D"
    assert objects[Address("column", "public", "books", "title")].not_null.name == "has_a_title"
    owner = Address("column", "public", "books", "shelf")
    assert objects[Address("sequence", "public", "shelf")].owned_by == owner
    assert objects[Address("function", "public", "slug(text)")].comment == "it's lower"
    assert objects[Address("view", "public", "short")].columns[0].comment == "its number"
    assert "'a%:b'" in objects[Address("view", "public", "loud")].definition
    assert "'%a%'" in objects[Address("view", "public", "short")].definition
    assert not objects[Address("view", "public", "kept")].populated


def test_drop_all_leaves_only_what_others_may_use(
    metadata: sa.MetaData, target: sa.Connection, database: Database
) -> None:
    with target.begin():
        metadata.create_all(target)
    with target.begin():
        metadata.drop_all(target)
    left = {address.kind for address in catalog(database).objects}
    assert left <= {"schema", "extension"}


def test_offline_sql_needs_no_database(metadata: sa.MetaData) -> None:
    said: list[str] = []

    def note(statement: Any, *_: Any, **__: Any) -> None:
        said.append(str(statement.compile(dialect=engine.dialect)))

    engine = sa.create_mock_engine("postgresql+psycopg://", note)
    metadata.create_all(engine, checkfirst=False)
    words = "\n".join(said)
    assert words.index("CREATE EXTENSION") < words.index("CREATE TABLE books")
    assert words.index("CREATE OR REPLACE FUNCTION slug") < words.index("CREATE TABLE books")
    assert words.index("CREATE TABLE books") < words.index('CREATE VIEW "loud"')


def test_schemas_of_tables_are_created(target: sa.Connection, database: Database) -> None:
    metadata = sa.MetaData()
    kind = sa.Enum("a", "b", name="kind", schema="shop")
    sa.Table("t", metadata, sa.Column("id", sa.Integer), sa.Column("k", kind), schema="shop")
    View("v", "SELECT id FROM shop.t", metadata=metadata, schema="shown")
    with target.begin():
        metadata.create_all(target)
    assert Address("view", "shown", "v") in catalog(database).objects


def test_entities_are_known_in_order_of_declaration() -> None:
    metadata = sa.MetaData()
    one = View("b", "SELECT 1 AS n", metadata=metadata)
    two = View("a", "SELECT n FROM b", metadata=metadata)
    assert entities(metadata) == (one, two)
    assert entities(sa.MetaData()) == ()


def test_a_named_not_null_is_left_out_for_older_servers() -> None:
    table = sa.Table(
        "t", sa.MetaData(), sa.Column("a", sa.Integer, nullable=False), NotNull("a", name="said")
    )
    dialect = postgresql.dialect()
    create = sa.schema.CreateTable(table)
    assert "CONSTRAINT said NOT NULL a" in str(create.compile(dialect=dialect))
    dialect.server_version_info = (17, 4)
    assert "said" not in str(create.compile(dialect=dialect))
