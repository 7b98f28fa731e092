"""Constants for the columns of a row: by type, by number, and from the constants of expressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.types import Composite, Domain, Enum, Range
from limbeck.schema.sql.lexer import tokens
from limbeck.schema.sql.quoting import content, schema_and_name

AFTER_SEQUENCES = 1000
"""Added to the values of numbered columns, so that no INSERT draws one of them from a sequence."""
_MODIFIERS = re.compile(r"\(([\d,]+)\)")
_TEXTS: Mapping[str, str] = {
    "uuid": "00000000-0000-0000-0000-{:012d}",
    "date": "2024-01-{:02d}",
    "time without time zone": "00:{:02d}:00",
    "time with time zone": "00:{:02d}:00+00",
    "timestamp without time zone": "2024-01-{:02d} 00:00:00",
    "timestamp with time zone": "2024-01-{:02d} 00:00:00+00",
    "interval": "{} hours",
    "json": '{{"n": {}}}',
    "jsonb": '{{"n": {}}}',
    "bytea": "\\x{:04d}",
    "inet": "10.0.0.{}",
    "cidr": "10.0.0.{}/32",
    "macaddr": "08:00:2b:01:02:{:02d}",
    "macaddr8": "08:00:2b:01:02:03:04:{:02d}",
    "point": "({0},{0})",
    "line": "{{1,1,{}}}",
    "lseg": "[(0,0),({0},{0})]",
    "box": "(0,0),({0},{0})",
    "path": "[(0,0),({0},{0})]",
    "polygon": "((0,0),(0,1),({0},{0}))",
    "circle": "<(0,0),{}>",
    "tsvector": "w{}",
    "tsquery": "w{}",
    "xml": "<n>{}</n>",
    "pg_lsn": "0/{:04d}",
    "smallint": "{}",
    "integer": "{}",
    "bigint": "{}",
    "numeric": "{}",
    "real": "{}",
    "double precision": "{}",
    "money": "{}",
    "oid": "{}",
    "text": "{}",
    "character varying": "{}",
    "character": "{}",
    '"char"': "{}",
    "name": "{}",
    "citext": "{}",
    "ltree": "w{}",
    "hstore": "n=>{}",
}
_RANGES: Mapping[str, str] = {
    "int4range": "integer",
    "int8range": "bigint",
    "numrange": "numeric",
    "daterange": "date",
    "tsrange": "timestamp without time zone",
    "tstzrange": "timestamp with time zone",
}
_NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric", "oid"})


@dataclass(frozen=True, slots=True)
class Values:
    """Makes constants for columns of the types of a catalog."""

    catalog: Catalog

    def of(self, type_: str, number: int) -> str | None:
        """Return the text of a constant of a type, different by number; None if it is unknown.

        Args:
            type_: the type as format_type() spells it.
            number: the number of the row, from 1 on.

        """
        if type_.endswith("[]"):
            return "{}"
        modifiers = _MODIFIERS.search(type_)
        base = _MODIFIERS.sub("", type_)
        size = int(modifiers[1].partition(",")[0]) if modifiers else None
        if base in _RANGES:
            return self._range(_RANGES[base], number)
        if text := _TEXTS.get(_unqualified(base)):
            return text.format(number)
        return _sized(_unqualified(base), size, number) or self._of_own(base, number)

    def _of_own(self, base: str, number: int) -> str | None:
        """Return a constant of a type that the catalog has."""
        for kind, maker in self._kinds():
            if item := self.catalog.objects.get(Address(kind, *schema_and_name(base))):
                return maker(item, number)
        return None

    def _kinds(self) -> Iterator[tuple[str, Callable[[object, int], str | None]]]:
        yield "enum", _label
        yield "composite", _nulls
        yield "range", self._of_range
        yield "domain", self._of_domain

    def _of_domain(self, item: object, number: int) -> str | None:
        return self.of(item.type, number) if isinstance(item, Domain) else None

    def _of_range(self, item: object, number: int) -> str | None:
        return self._range(item.subtype, number) if isinstance(item, Range) else None

    def _range(self, subtype: str, number: int) -> str | None:
        bound = self.of(subtype, number)
        return None if bound is None else f'["{bound}","{bound}"]'


def _sized(base: str, size: int | None, number: int) -> str | None:
    """Return a constant of a type whose length is part of it, or that has two values only."""
    if base == "boolean":
        return "true" if number % 2 else "false"
    if base in {"bit", "bit varying"}:
        return format(number, "b").zfill(size or 1)[-(size or 1) :]
    if base == "vector":
        return f"[{', '.join([str(number)] * (size or 3))}]"
    return None


def number_of(type_: str, sequence: bool, number: int) -> int:  # noqa: FBT001 - of a field
    """Return the number of a row's value in a column, beyond what its sequence soon draws."""
    numbers = _MODIFIERS.sub("", type_) in _NUMBERS
    return number + AFTER_SEQUENCES if sequence and numbers else number


def constants(expression: str) -> list[str]:
    """Return the constants of an expression, and for numbers also those beside them."""
    texts: list[str] = []
    previous = ""
    for kind, text, _ in tokens(expression):
        if kind == "string":
            texts += _elements(content(text))
        elif kind == "number" and text.isdigit():
            value = -int(text) if previous == "-" else int(text)
            texts += [str(value), str(value + 1), str(value - 1)]
        previous = text
    return list(dict.fromkeys(texts))


def _elements(text: str) -> list[str]:
    """Return a text, or the elements of an array that it spells."""
    if text.startswith("{") and text.endswith("}") and ":" not in text:
        return [element.strip(' "') for element in text[1:-1].split(",") if element.strip()]
    return [text]


def _unqualified(base: str) -> str:
    return base if base in _TEXTS else base.rpartition(".")[2]


def _label(item: object, number: int) -> str | None:
    labels = item.labels if isinstance(item, Enum) else ()
    return labels[number % len(labels)] if labels else None


def _nulls(item: object, _: int) -> str | None:
    return f"({',' * (len(item.attributes) - 1)})" if isinstance(item, Composite) else None
