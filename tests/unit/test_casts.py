"""What a change of a type may take away."""

from __future__ import annotations

import pytest

from limbeck.schema.diff.casts import narrows

NARROWER = [
    ("character varying(20)", "character varying(5)"),
    ("text", "character varying(5)"),
    ("text[]", "character varying(5)[]"),
    ("text", "name"),
    ("bigint", "integer"),
    ("numeric", "integer"),
    ("numeric(10,2)", "integer"),
    ("numeric(10,2)", "numeric(10,1)"),
    ("numeric(10,2)", "numeric(10,4)"),
    ("numeric", "numeric(10,2)"),
    ("integer", "numeric(9,0)"),
    ("double precision", "real"),
    ("bigint", "double precision"),
    ("timestamp with time zone", "date"),
    ("timestamp without time zone", "timestamp(0) without time zone"),
    ("bit varying(5)", "bit varying(3)"),
    ("inet", "cidr"),
]
WIDER = [
    ("character varying(5)", "character varying(20)"),
    ("character varying(5)", "text"),
    ("character varying(5)", "character(9)"),
    ("integer", "bigint"),
    ("integer", "numeric"),
    ("integer", "numeric(12,2)"),
    ("numeric(5,0)", "integer"),
    ("numeric(10,2)", "numeric(12,3)"),
    ("real", "double precision"),
    ("date", "timestamp with time zone"),
    ("timestamp without time zone", "timestamp(6) without time zone"),
    ("text", "integer"),
    ("jsonb", "text"),
]


@pytest.mark.parametrize(("before", "after"), NARROWER)
def test_a_narrower_type_may_not_hold_all_values(before: str, after: str) -> None:
    assert narrows(before, after)


@pytest.mark.parametrize(("before", "after"), WIDER)
def test_a_wider_type_holds_all_values(before: str, after: str) -> None:
    assert not narrows(before, after)
