"""Literals, names and parentheses in spelled source."""

from __future__ import annotations

import ast

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.base import ischema_names

from limbeck.models.source.text import escaped, literal, literals, unwrapped
from limbeck.models.source.types import BUILT_IN
from limbeck.schema.catalog.names import chosen_name
from limbeck.schema.sql.quoting import names, quote

ODD = st.text(alphabet="ab:\\'\"%() \n\té$1")


@given(ODD)
def test_a_literal_is_the_text(text: str) -> None:
    assert ast.literal_eval(literal(text)) == text


def test_a_literal_stands_in_double_quotes() -> None:
    assert literal("it's") == '"it\'s"'
    assert literals(["a", "b"]) == '["a", "b"]'


@given(ODD)
def test_escaped_text_has_no_parameters(text: str) -> None:
    made = sa.text(escaped(text))
    assert str(made.compile(dialect=postgresql.dialect(paramstyle="named"))) == text
    assert made.compile().params == {}


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("books", "books"),
        ("order", '"order"'),
        ("Books", '"Books"'),
        ('a"b', '"a""b"'),
        ("é", '"é"'),
    ],
)
def test_only_names_that_need_it_are_quoted(name: str, quoted: str) -> None:
    assert quote(name) == quoted
    assert names(f"public.{quoted}") == ("public", name)


def test_the_names_of_built_in_types_are_those_of_sqlalchemy() -> None:
    added_by_others = {"geography", "geometry", "raster", "vector", "halfvec", "sparsevec"}
    assert frozenset(ischema_names) - added_by_others == BUILT_IN


@pytest.mark.parametrize(
    ("expression", "inner"),
    [
        ("(a > 0)", "a > 0"),
        ("a", "a"),
        ("(a) OR (b)", "(a) OR (b)"),
        ("((a) OR (b))", "(a) OR (b)"),
        ("(a = ')')", "a = ')'"),
        ("(a = '(') OR (b = ')')", "(a = '(') OR (b = ')')"),
        ("(a ~ E'\\\\(''')", "a ~ E'\\\\('''"),
        ('("a)" > 0)', '"a)" > 0'),
    ],
)
def test_only_parentheses_round_the_whole_go(expression: str, inner: str) -> None:
    assert unwrapped(expression) == inner


@pytest.mark.parametrize(
    ("table", "column", "name"),
    [
        ("books", "id", "books_id_seq"),
        ("t" * 63, "id", "t" * 56 + "_id_seq"),
        ("t" * 63, "c" * 63, "t" * 29 + "_" + "c" * 29 + "_seq"),
        ("é" * 31, "id", "é" * 28 + "_id_seq"),
    ],
)
def test_implicit_names_are_cut_as_postgres_cuts_them(table: str, column: str, name: str) -> None:
    assert chosen_name(table, column, "seq") == name
