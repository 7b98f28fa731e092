"""Diagrams: no box covers another, whatever refers to what; no name breaks a picture."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.output.erd.html import html
from limbeck.output.erd.layout import laid_out
from limbeck.output.erd.mermaid import mermaid
from limbeck.output.erd.svg import svg
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diagram import Box, Diagram, Line, Link, narrowed
from limbeck.studio import pages

HOSTILE = (
    "<b>x</b>",
    'a"b',
    "a#b;c",
    "Ümläut",
    "שלום",
    "a\u202eb",
    "two words",
    "]]>",
    "'); drop",
    "\x1b[1m",
)


def table(name: str) -> Address:
    return Address("table", "public", name)


def drawn(names: list[str], pairs: list[tuple[str, str]]) -> Diagram:
    """Return a diagram of tables that refer to each other, some more than once."""
    boxes = [Box(table(name), (Line("id", "integer", primary=True),)) for name in sorted(names)]
    links = [
        Link(f"fk{n}", table(source), ("id",), table(target))
        for n, (source, target) in enumerate(pairs)
    ]
    return Diagram(tuple(boxes), tuple(links))


@st.composite
def diagrams(draw: st.DrawFn) -> Diagram:
    names = draw(st.lists(st.sampled_from([f"t{n}" for n in range(30)]), unique=True, min_size=1))
    ends = st.tuples(st.sampled_from(names), st.sampled_from(names))
    return drawn(names, draw(st.lists(ends, max_size=40)))


@given(diagrams())
def test_no_box_covers_another(diagram: Diagram) -> None:
    layout = laid_out(diagram)
    assert set(layout.places) == {box.address for box in diagram.boxes}
    for a, b in combinations(layout.places.values(), 2):
        beside = a.x + a.width <= b.x or b.x + b.width <= a.x
        assert beside or a.y + a.height <= b.y or b.y + b.height <= a.y
    for place in layout.places.values():
        assert 0 <= place.x <= layout.width - place.width + 0.01
        assert 0 <= place.y <= layout.height - place.height + 0.01


@given(diagrams())
def test_the_same_diagram_gives_the_same_picture(diagram: Diagram) -> None:
    assert svg(diagram) == svg(diagram)


def test_a_table_stands_to_the_right_of_those_that_it_refers_to() -> None:
    pairs = [("books", "authors"), ("loans", "books"), ("loans", "people")]
    places = laid_out(drawn(["authors", "books", "loans", "people"], pairs)).places
    for source, target in pairs:
        assert places[table(source)].x > places[table(target)].x


def test_a_large_schema_becomes_a_picture_that_is_no_strip() -> None:
    names = [f"t{n:03}" for n in range(500)]
    for pairs in (
        [],
        [(name, "t000") for name in names[1:]],
        list(zip(names[1:], names, strict=False))[:12],
    ):
        layout = laid_out(drawn(names, pairs))
        assert 0.2 < layout.height / layout.width < 5


@pytest.mark.parametrize("name", HOSTILE)
def test_names_do_a_picture_no_harm(name: str) -> None:
    box = Box(table(name), (Line(name, name, state="changed", was=name),), "new", comment=name)
    diagram = Diagram((box,), (Link(name, box.address, (name,), box.address),))
    picture = ET.fromstring(svg(diagram))  # noqa: S314 - our own
    assert not [e.tag for e in picture.iter() if e.tag.endswith(("}b", "}script"))]
    page = html(diagram, name)
    assert page.count("<script") == 1
    assert "\u202e" not in page + mermaid(diagram)
    assert "\x1b" not in page + mermaid(diagram)
    for line in mermaid(diagram).splitlines():
        assert line.count('"') in {0, 2}


def test_a_page_asks_nobody_for_anything() -> None:
    page = html(drawn(["a", "b"], [("a", "b")]), "models")
    assert set(re.findall(r"https?://[^\"' ]+", page)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in page


def test_what_changed_is_told_in_words_and_signs_as_well() -> None:
    boxes = (
        Box(table("new"), (Line("id", "integer"),), "new"),
        Box(table("gone"), (), "gone"),
        Box(table("changed"), (Line("n", "bigint", state="changed", was="integer"),), "changed"),
    )
    text = mermaid(Diagram(boxes))
    assert [word in text for word in ("new (new)", "gone (gone)", "was integer")] == [True] * 3
    picture = svg(Diagram(boxes))
    assert [sign in picture for sign in (">+ new<", ">- gone<", ">~ changed<")] == [True] * 3


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({}, "authors books loans people"),
        ({"tables": ["b*", "public.people"]}, "books people"),
        ({"schemas": ["other"]}, ""),
        ({"near": ["books"]}, "authors books loans"),
        ({"near": ["people"]}, "loans people"),
    ],
)
def test_a_diagram_is_narrowed(asked: dict[str, list[str]], left: str) -> None:
    pairs = [("books", "authors"), ("loans", "books"), ("loans", "people")]
    part = narrowed(drawn(["authors", "books", "loans", "people"], pairs), **asked)
    assert [box.name for box in part.boxes] == left.split()
    names = {box.address for box in part.boxes}
    assert all({link.source, link.target} <= names for link in part.links)


@pytest.mark.parametrize(("tables", "drawn"), [(200, 3), (201, 0)])
def test_a_page_of_many_tables_draws_their_names_only(tables: int, drawn: int) -> None:
    lines = (Line("id", "integer", primary=True), Line("a_id", "integer", foreign=True))
    boxes = [
        Box(Address("table", "public", f"t{number}"), (*lines, Line("name", "text")))
        for number in range(tables)
    ]
    text = pages.picture(Diagram(tuple(boxes)))
    assert text.count('class="row') == tables * drawn
