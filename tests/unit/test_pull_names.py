"""Names of pulled classes, attributes and constraints."""

from __future__ import annotations

import pytest

from limbeck.models.pull.render import names
from limbeck.models.pull.render.conventions import name
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.constraints import Constraint, Reference
from limbeck.schema.catalog.objects.indexes import Index, Key


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("books", "Book"),
        ("film_actor", "FilmActor"),
        ("people", "Person"),
        ("user_addresses", "UserAddress"),
        ("address", "Address"),
        ("categories", "Category"),
        ("movies", "Movie"),
        ("statuses", "Status"),
        ("order_status", "OrderStatus"),
        ("boxes", "Box"),
        ("houses", "House"),
        ("analyses", "Analysis"),
        ("news", "News"),
        ("AspNetUsers", "AspNetUser"),
        ("HTTPLogs", "HttpLog"),
        ("2fa_tokens", "N2faToken"),
        ("oauth2_clients", "Oauth2Client"),
        ("OAuthClients", "OauthClient"),
        ("s3_objects", "S3Object"),
        ("md5", "Md5"),
        ("GrößeTabellen", "GrößeTabellen"),
        ("none", "None_"),
        ("...", "Unnamed"),
        ("bus", "Bus"),
        ("children", "Child"),
        ("us", "Us"),
    ],
)
def test_a_class_is_named_for_one_row(table: str, expected: str) -> None:
    assert names.class_name(table) == expected


@pytest.mark.parametrize(
    ("table", "one", "many"),
    [
        ("books", "book", "books"),
        ("category", "category", "categories"),
        ("film_actor", "film_actor", "film_actors"),
        ("person", "person", "people"),
        ("day", "day", "days"),
        ("news", "news", "news"),
        ("boxes", "box", "boxes"),
        ("oauth2_client", "oauth2_client", "oauth2_clients"),
        ("md5", "md5", "md5s"),
    ],
)
def test_one_and_many_rows_have_names(table: str, one: str, many: str) -> None:
    assert (names.row_name(table), names.rows_name(table)) == (one, many)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("title", "title"),
        ("class", "class_"),
        ("a b", "a_b"),
        ("1st", "n1st"),
        ("__x", "x"),
        ("_x", "_x"),
        ("%", "unnamed"),
        ("_sa_registry", "sa_registry"),
        ("type", "type"),
        ("größe", "größe"),
    ],
)
def test_an_attribute_is_the_columns_name_where_that_can_be(column: str, expected: str) -> None:
    assert names.attribute(column) == expected
    assert expected.isidentifier()


def test_a_name_that_is_taken_gets_an_end() -> None:
    assert names.unique("a", {"a"}) == "a_"
    assert names.unique("a", {"a", "a_"}) == "a_2"


BOOKS = Address("table", "public", "books")
FOREIGN_KEY = Constraint(
    schema="public",
    table="books",
    name="books_author_id_fkey",
    type="f",
    definition="",
    columns=("author_id",),
    reference=Reference(table=Address("table", "public", "authors"), columns=("id",)),
)


def index(name_: str, *keys: Key) -> Index:
    """An index of books."""
    return Index(schema="public", name=name_, table=BOOKS, definition="", keys=keys)


@pytest.mark.parametrize(
    ("convention", "expected"),
    [
        ({}, ""),
        ({"fk": "%(table_name)s_%(column_0_N_name)s_fkey"}, ""),
        ({"fk": "fk_%(table_name)s"}, '"books_author_id_fkey"'),
        ({"fk": "%(table_name)s_%(constraint_name)s_fkey"}, '"author_id"'),
        ({"fk": "fk_%(constraint_name)s"}, 'sa.schema.conv("books_author_id_fkey")'),
        ({"fk": "%(own_token)s_fkey"}, '"books_author_id_fkey"'),
    ],
)
def test_a_name_is_spelled_where_the_convention_does_not_give_it(
    convention: dict[str, str], expected: str
) -> None:
    assert name(FOREIGN_KEY, convention) == expected


def test_an_index_with_an_expression_or_an_order_has_its_name_spelled() -> None:
    convention = {"ix": "%(table_name)s_%(column_0_N_name)s_idx"}
    title = Key(column="title", expression=None)
    assert name(index("books_title_idx", title), convention) == ""
    down = Key(column="title", expression=None, descending=True, nulls_first=True)
    assert name(index("books_title_idx", down), convention) == '"books_title_idx"'
    lower = Key(column=None, expression="lower(title)")
    assert name(index("books_lower_idx", title, lower), convention) == '"books_lower_idx"'


def test_a_name_that_postgres_cut_is_spelled() -> None:
    cut = index("b" * 63, Key(column="b" * 70, expression=None))
    assert name(cut, {"ix": "%(column_0_name)s"}) != ""
