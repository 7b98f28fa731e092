"""How names are spelled."""

from __future__ import annotations

import pytest

from limbeck.schema.catalog.names import chosen_name
from limbeck.schema.diff.sql import option_names, options
from limbeck.schema.sql.quoting import literal, quote, schema_and_name


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("books", "books"),
        ("_x1", "_x1"),
        ("Books", '"Books"'),
        ("1st", '"1st"'),
        ("größe", '"größe"'),
        ('a"b', '"a""b"'),
        ("a.b", '"a.b"'),
        ("select", '"select"'),
        ("user", '"user"'),
        ("time", '"time"'),
        ("left", '"left"'),
        ("name", "name"),
        ("text", "text"),
        ("", '""'),
    ],
)
def test_a_name_is_quoted_only_where_postgres_would(name: str, spelled: str) -> None:
    assert quote(name) == spelled


@pytest.mark.parametrize(
    ("spelled", "names"),
    [
        ("public.books", ("public", "books")),
        ('"A"."b.c"', ("A", "b.c")),
        ('"q""q".x', ('q"q', "x")),
        ("alone", ("", "alone")),
    ],
)
def test_a_spelled_name_is_taken_apart(spelled: str, names: tuple[str, str]) -> None:
    assert schema_and_name(spelled) == names


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("users", "id", "seq"), "users_id_seq"),
        (("users", "", "pkey"), "users_pkey"),
        (("t" * 63, "c" * 63, "seq"), "t" * 29 + "_" + "c" * 29 + "_seq"),
        (("t" * 63, "id", "key"), "t" * 56 + "_id_key"),
        (("ü" * 31, "", "pkey"), "ü" * 29 + "_pkey"),
    ],
)
def test_a_name_that_nobody_chose_is_cut_as_postgres_does(
    parts: tuple[str, str, str], name: str
) -> None:
    assert chosen_name(*parts) == name


@pytest.mark.parametrize(
    ("text", "spelled"), [("it's", "'it''s'"), ("a\\b", "E'a\\\\b'"), ("", "''")]
)
def test_a_string_is_spelled_so_that_no_setting_changes_it(text: str, spelled: str) -> None:
    assert literal(text) == spelled


def test_storage_parameters_are_spelled_with_their_values() -> None:
    assert options(["fillfactor=70", "toast.autovacuum_enabled=false"]) == (
        "fillfactor=70, toast.autovacuum_enabled=false"
    )
    assert options(["buffering=auto", "odd=a b"]) == "buffering=auto, odd='a b'"
    assert option_names(["fillfactor=70"]) == ["fillfactor"]
