"""Output formats hold what they were given."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import limbeck
from limbeck.output.data import to_yaml
from limbeck.output.tables import table
from limbeck.plurals import counted, nouns

YAML = [
    ({}, "{}"),
    ([], "[]"),
    ({"a": 1, "b": None, "c": True, "d": 1.5}, "a: 1\nb: null\nc: true\nd: 1.5"),
    ({"name": "development"}, "name: development"),
    ({"name": "no", "other": "Null", "empty": ""}, 'name: "no"\nother: "Null"\nempty: ""'),
    ({"time": "2026-01-02T03:04:05Z"}, 'time: "2026-01-02T03:04:05Z"'),
    ({"colon": "a: b", "hash": "a #b"}, 'colon: "a: b"\nhash: "a #b"'),
    ({"lines": "a\nb"}, 'lines: "a\\nb"'),
    ({"1": "2"}, '"1": "2"'),
    ([{"a": 1, "b": 2}, {"a": 3}], "- a: 1\n  b: 2\n- a: 3"),
    ({"list": [1, [2, 3]]}, "list:\n  - 1\n  - - 2\n    - 3"),
    ({"deep": {"er": {"x": []}}}, "deep:\n  er:\n    x: []"),
    ("Zürich", '"Zürich"'),
]


@pytest.mark.parametrize(("value", "text"), YAML)
def test_yaml_is_block_style_and_quotes_what_could_be_read_otherwise(
    value: object, text: str
) -> None:
    assert to_yaml(value) == text


def test_columns_of_a_table_are_aligned_and_lines_end_without_spaces() -> None:
    rows = [("production", ""), ("dev", "production")]
    assert table(("Name", "Parent"), rows) == (
        "Name        Parent\nproduction\ndev         production"
    )


def test_numbers_and_nouns_agree() -> None:
    assert [counted(n, "table") for n in (0, 1, 2)] == ["no tables", "1 table", "2 tables"]
    assert counted(2, "index", "indexes") == "2 indexes"
    assert counted(1000, "row") == "1,000 rows"
    assert [nouns(n, "row") for n in (0, 1, 2)] == ["rows", "row", "rows"]


NUMBERED = re.compile(
    r"\{[^{}]+\} (?:more |other )?"
    r"(?:rows|tables|revisions|objects|files|branches|statements)\b(?!/)"
)
ALWAYS_SEVERAL = {
    "limbeck/generate/squash/squash.py",  # a squash replaces two revisions or more
}


def test_no_message_has_a_plural_noun_after_a_number_that_may_be_one() -> None:
    root = Path(limbeck.__file__).parent
    plurals = [
        (path.relative_to(root.parent).as_posix(), line.strip())
        for path in sorted(root.rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if NUMBERED.search(line) and "join(" not in line
    ]
    assert [place for place in plurals if place[0] not in ALWAYS_SEVERAL] == []
