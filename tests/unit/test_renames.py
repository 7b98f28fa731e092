"""What is asked about renames, and how answers are understood."""

from __future__ import annotations

import pytest

from limbeck.errors import ConfigurationError
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.catalog.objects.schemas import Schema
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Enum
from limbeck.schema.catalog.objects.views import View
from limbeck.schema.renames.likeness import questions
from limbeck.schema.renames.move import moved
from limbeck.schema.renames.parse import UnknownNameError, answers, parse
from limbeck.schema.renames.rename import Rename
from limbeck.schema.renames.tokens import Names, alike, substituted


def catalog(*objects: Object) -> Catalog:
    return Catalog(180000, {item.address: item for item in objects})


def table(name: str, *columns: str, schema: str = "public") -> tuple[Object, ...]:
    """Make a table; a column is spelled "name type"."""
    pairs = [column.split(" ", 1) for column in columns]
    made = [
        Column(schema=schema, table=name, name=column, type=kind, position=place)
        for place, (column, kind) in enumerate(pairs, 1)
    ]
    names = tuple(column for column, _ in pairs)
    return Table(schema=schema, name=name, columns=names), *made


USERS = table("users", "id integer", "email text", "age integer")
PEOPLE = table("people", "id integer", "email text", "age integer")


def proposed(before: Catalog, after: Catalog, *answered: Rename) -> list[str]:
    """Return the first candidate of each question."""
    return [str(each.candidates[0].rename) for each in questions(before, after, answered)]


def test_a_table_with_the_same_columns_is_proposed() -> None:
    assert proposed(catalog(*USERS), catalog(*PEOPLE)) == ["public.users:public.people"]


def test_a_table_with_other_columns_is_not_proposed() -> None:
    other = table("prices", "amount numeric", "currency text")
    assert proposed(catalog(*USERS), catalog(*other)) == []


def test_a_column_of_the_same_type_and_place_is_proposed() -> None:
    after = table("users", "id integer", "mail text", "age integer")
    assert proposed(catalog(*USERS), catalog(*after)) == ["public.users.email:public.users.mail"]


def test_a_column_of_another_type_is_not_proposed() -> None:
    after = table("users", "id integer", "height numeric", "age integer")
    assert proposed(catalog(*USERS), catalog(*after)) == []


def test_columns_of_a_renamed_table_are_proposed_once_it_is_answered() -> None:
    before = catalog(*USERS)
    after = catalog(*table("people", "id integer", "mail text", "age integer"))
    first = questions(before, after)[0].candidates[0].rename
    assert proposed(before, after, first) == ["public.people.email:public.people.mail"]


def test_a_question_has_all_candidates_the_likeliest_first() -> None:
    before = catalog(*table("t", "id int", "a text"))
    after = catalog(*table("t", "id int", "note text", "aa text", "n int"))
    (question,) = questions(before, after)
    assert [each.rename.after.part for each in question.candidates] == ["aa", "note"]


@pytest.mark.parametrize(
    ("old", "new", "clear"),
    [
        (["mail text"], ["email text"], True),
        (["mail text", "n int"], ["email text", "years int"], True),
        (["last text", "nick text"], ["family text", "alias text"], False),
        (["a text"], ["b text", "c text"], False),
        (["a text", "b text"], ["c text"], False),
    ],
)
def test_an_answer_is_usual_only_where_no_other_is_close(
    *, old: list[str], new: list[str], clear: bool
) -> None:
    before, after = catalog(*table("t", "id int", *old)), catalog(*table("t", "id int", *new))
    asked = questions(before, after)
    assert asked
    assert {each.clear for each in asked} == {clear}


def test_labels_that_changed_in_their_place_are_proposed() -> None:
    before = Enum(schema="public", name="mood", labels=("sad", "ok"))
    after = Enum(schema="public", name="mood", labels=("blue", "ok"))
    expected = ["public.mood.sad:public.mood.blue"]
    assert proposed(catalog(before), catalog(after)) == expected


def test_a_view_with_the_same_query_is_proposed() -> None:
    before = View(schema="public", name="v", definition="SELECT 1")
    after = View(schema="public", name="w", definition="SELECT 1")
    assert proposed(catalog(before), catalog(after)) == ["public.v:public.w"]


def test_a_schema_with_the_same_tables_is_proposed() -> None:
    before = catalog(Schema(name="a"), *table("t", "x int", schema="a"))
    after = catalog(Schema(name="b"), *table("t", "x int", schema="b"))
    assert proposed(before, after)[0] == "a:b"


def test_an_answer_names_tables_columns_and_labels() -> None:
    mood = Enum(schema="public", name="mood", labels=("sad",))
    blue = Enum(schema="public", name="mood", labels=("blue",))
    before, after = catalog(*USERS, mood), catalog(*PEOPLE, blue)
    found = parse("public.users:public.people", before, after)
    assert found == Rename(
        "table", Address("table", "public", "users"), Address("table", "public", "people")
    )
    label = parse("public.mood.sad:public.mood.blue", before, after)
    assert (label.kind, label.before.part, label.after.part) == ("enum", "sad", "blue")


def test_answers_are_given_outer_ones_first() -> None:
    after = catalog(*table("people", "id integer", "mail text", "age integer"))
    texts = ("public.users:public.people", "public.people.email:public.people.mail")
    found, idle = answers(texts, catalog(*USERS), after)
    assert [rename.kind for rename in found] == ["table", "column"]
    assert idle == ()


def test_an_index_is_named_with_or_without_its_table() -> None:
    def index(name: str) -> Index:
        at = Address("table", "public", "users")
        return Index(schema="public", name=name, table=at, definition=f"CREATE INDEX {name}")

    before, after = catalog(*USERS, index("i")), catalog(*USERS, index("j"))
    for text in ("public.i:public.j", "public.users.i:public.users.j"):
        assert parse(text, before, after).before == Address("index", "public", "i")


def test_names_with_dots_and_colons_are_quoted() -> None:
    before, after = catalog(*table("a.b", "x int")), catalog(*table("c:d", "x int"))
    found = parse('public."a.b":public."c:d"', before, after)
    assert (found.before.name, found.after.name) == ("a.b", "c:d")
    assert str(found) == 'public."a.b":public."c:d"'


def test_an_answer_that_was_carried_out_already_changes_nothing() -> None:
    found = parse("public.users:public.people", catalog(*PEOPLE), catalog(*PEOPLE))
    assert found.before == found.after


def test_an_answer_about_nothing_is_told() -> None:
    with pytest.raises(UnknownNameError):
        parse("public.users:public.nobody", catalog(*USERS), catalog(*PEOPLE))
    assert answers(["public.x:public.y"], catalog(), catalog()) == ((), ("public.x:public.y",))


@pytest.mark.parametrize("text", ["users", "a:b:c", ""])
def test_an_answer_says_what_becomes_what(text: str) -> None:
    with pytest.raises(ConfigurationError, match="not of the form old:new"):
        parse(text, catalog(), catalog())


def test_all_that_belongs_to_a_table_moves_with_it() -> None:
    key = Constraint(
        schema="public", table="users", name="users_pkey", type="p", definition="PRIMARY KEY (id)"
    )
    rename = Rename("table", USERS[0].address, PEOPLE[0].address)
    found = moved(catalog(*USERS, key), rename)
    assert {at.name for at in found.objects} == {"people"}
    assert Address("constraint", "public", "people", "users_pkey") in found.objects


def test_a_function_is_known_by_the_new_names_of_its_types() -> None:
    function = Function(
        schema="public", identity="f(public.mood)", kind="f", definition="", name="f"
    )
    ends = (Address("enum", "public", "mood"), Address("enum", "public", "feeling"))
    found = moved(catalog(function), Rename("enum", *ends))
    assert Address("function", "public", "f(public.feeling)") in found.objects


NAMES = Names({"users": frozenset({"people"})}, {"sad": frozenset({"blue"})})


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("SELECT id FROM public.users", "SELECT id FROM public.people", True),
        ('SELECT id FROM public."users"', "SELECT id FROM public.people", True),
        ("SELECT id FROM public.posts", "SELECT id FROM public.people", False),
        ("'users'::text", "'people'::text", False),
        ("nextval('public.users'::regclass)", "nextval('public.people'::regclass)", True),
        ("'sad'::public.mood", "'blue'::public.mood", True),
        ("users + 1", "people + 2", False),
        (None, None, True),
        (None, "x", False),
    ],
)
def test_texts_are_alike_when_only_renamed_names_differ(
    before: str | None,
    after: str | None,
    same: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    assert alike(before, after, NAMES) is same


def test_renamed_names_are_spelled_anew() -> None:
    assert substituted("SELECT users.id, 'users', 'sad'", NAMES) == (
        "SELECT people.id, 'users', 'blue'"
    )
