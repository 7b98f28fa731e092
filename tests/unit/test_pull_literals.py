"""SQL of several lines as source: readable where it can be, the same text always."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.models.pull.render.entity import sql_literal


@given(st.text(alphabet="ab \\\n\r\t\f\"'", max_size=30))
def test_a_literal_is_its_text(text: str) -> None:
    assert ast.literal_eval(sql_literal(text)) == text


@pytest.mark.parametrize("text", ["SELECT 1\n", "BEGIN\n  \nEND", "a\t\nb"])
def test_no_line_of_source_ends_in_a_blank(text: str) -> None:
    assert all(line == line.rstrip() for line in sql_literal(text).split("\n"))


def test_lines_are_kept_where_they_can_be() -> None:
    assert sql_literal("SELECT\n  1") == '"""SELECT\n  1"""'
    assert sql_literal("BEGIN \nEND") == '(\n"BEGIN \\n"\n"END"\n)'
