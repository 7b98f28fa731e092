"""Statements are spelled so that the server's major has them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.diff import compare

TABLE = Table(schema="public", name="t")
PLAIN = Column(schema="public", table="t", name="a", type="text")
COMPUTED = replace(PLAIN, generated="s", default="lower('X'::text)")
AGAIN = "ALTER TABLE public.t ADD COLUMN a text GENERATED ALWAYS AS (upper('X'::text)) STORED"


@pytest.mark.parametrize(
    ("major", "before", "after", "wanted"),
    [
        (
            18,
            COMPUTED,
            replace(COMPUTED, default="upper('X'::text)"),
            ["ALTER TABLE public.t ALTER COLUMN a SET EXPRESSION AS (upper('X'::text))"],
        ),
        (
            16,
            COMPUTED,
            replace(COMPUTED, default="upper('X'::text)"),
            ["ALTER TABLE public.t DROP COLUMN a", AGAIN],
        ),
        (
            16,
            replace(PLAIN, storage="MAIN"),
            PLAIN,
            ["ALTER TABLE public.t ALTER COLUMN a SET STORAGE DEFAULT"],
        ),
        (
            15,
            replace(PLAIN, storage="MAIN"),
            PLAIN,
            ["ALTER TABLE public.t ALTER COLUMN a SET STORAGE EXTENDED"],
        ),
        (
            15,
            replace(PLAIN, type="numeric(8,2)", storage="EXTERNAL"),
            replace(PLAIN, type="numeric(8,2)"),
            ["ALTER TABLE public.t ALTER COLUMN a SET STORAGE MAIN"],
        ),
    ],
)
def test_a_server_gets_only_what_its_major_has(
    major: int, before: Column, after: Column, wanted: list[str]
) -> None:
    sides = [
        Catalog(major * 10000, {TABLE.address: TABLE, column.address: column})
        for column in (before, after)
    ]
    steps = compare.steps(*sides)
    assert [step.sql for step in steps] == wanted
    assert not any(step.loses for step in steps)
