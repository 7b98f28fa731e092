"""What a change of a type may take away."""

from __future__ import annotations

import pytest

from limbeck.schema.diff.casts import fallible, narrows, settings, undefined
from limbeck.schema.diff.retypes import inverse

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


STAMP, STAMPTZ = "timestamp without time zone", "timestamp with time zone"
TIME, TIMETZ = "time without time zone", "time with time zone"
BY_SETTINGS = [
    (STAMP, STAMPTZ, "TimeZone"),
    ("timestamp(3) with time zone", STAMP, "TimeZone"),
    ("date", STAMPTZ, "TimeZone"),
    (STAMPTZ, "date", "TimeZone"),
    (STAMPTZ, TIME, "TimeZone"),
    (TIME, TIMETZ, "TimeZone"),
    ("text", "date", "DateStyle"),
    ("character varying(20)", STAMPTZ, "DateStyle TimeZone"),
    ("text[]", "date[]", "DateStyle"),
    ("text", TIMETZ, "TimeZone"),
    ("text", "money", "lc_monetary"),
    ("money", "numeric", "lc_monetary"),
    ("text", "interval", "IntervalStyle"),
    ("interval", "text", "IntervalStyle"),
    ("bytea", "text", "bytea_output"),
    ("text", "xml", "xmloption"),
    ("tsrange", "tstzrange", "TimeZone"),
    (STAMP, "timestamp(3) without time zone", ""),
    ("date", STAMP, ""),
    (TIMETZ, TIME, ""),
    ("text", "integer", ""),
    ("integer", "bigint", ""),
]
WITHOUT_CAST = [
    ("integer", "uuid"),
    ("interval", "integer"),
    ("uuid", "bigint"),
    ("boolean", "date"),
    ("integer", "integer[]"),
    ("integer[]", "integer"),
    ("integer", "enum"),
    ("composite", "integer"),
    ("bytea", "uuid"),
    ("inet", "integer"),
]
WITH_CAST = [
    ("text", "uuid"),
    ("uuid", "text"),
    ("integer[]", "bigint[]"),
    ("integer", "jsonb"),
    ("smallint", "boolean"),
    ("enum", "text"),
    ("text", "enum"),
    ("citext", "integer"),
    ("json", "jsonb"),
]


@pytest.mark.parametrize(("before", "after", "names"), BY_SETTINGS)
def test_settings_of_the_session_decide_about_some_casts(
    before: str, after: str, names: str
) -> None:
    assert " ".join(settings(before, after)) == names


@pytest.mark.parametrize(("before", "after"), WITHOUT_CAST)
def test_some_types_have_no_cast(before: str, after: str) -> None:
    assert undefined(before, after)
    assert fallible(before, after)


@pytest.mark.parametrize(("before", "after"), WITH_CAST)
def test_others_have_one(before: str, after: str) -> None:
    assert not undefined(before, after)


def test_a_cast_from_text_can_fail_and_one_to_text_cannot() -> None:
    assert fallible("text", "integer")
    assert fallible("bigint", "integer")
    assert not fallible("integer", "text")
    assert not fallible(STAMP, STAMPTZ)


def test_a_time_zone_leads_back() -> None:
    types = ("date", STAMPTZ)
    there = "day::timestamp AT TIME ZONE 'Asia/Tokyo'"
    assert inverse("at", "day", types, there) == "(at AT TIME ZONE 'Asia/Tokyo')::date"
    assert inverse("at", "day", types, "to_timestamp(day, 'YYYY')") is None
