"""Defaults, identities and generation expressions of columns as SQLAlchemy expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from limbeck.models.source.text import (
    SQLALCHEMY,
    Source,
    call,
    escaped,
    keyword,
    literal,
    text,
    unwrapped,
)
from limbeck.schema.catalog.names import chosen_name
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.sequences import SequenceOptions
from limbeck.schema.sql.quoting import names

_LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
# A text literal with the cast that Postgres adds by itself. A backslash could mean E''.
_STRING = re.compile(r"'((?:[^'\\]|'')*)'::(text|character varying)")


_NONE: Mapping[str, str] = MappingProxyType({})


def default(column: Column, near: Mapping[str, str] = _NONE) -> Source | None:
    """Return the value of server_default=, None when the column has no default.

    Args:
        column: the column.
        near: shorter spellings of expressions, as Catalog.near has them.

    """
    if column.generated:
        return _computed(column, near)
    if column.default is None:
        return None
    match = _STRING.fullmatch(column.default)
    if match and match.group(2) == column.type.partition("(")[0]:
        return Source(literal(match.group(1).replace("''", "'")))
    return text(near.get(column.default, column.default))


def _computed(column: Column, near: Mapping[str, str]) -> Source:
    spelled = near.get(column.default or "", column.default or "")
    expression = literal(escaped(unwrapped(spelled)))
    stored = keyword("persisted", str(column.generated == "s"))
    return call("sa.Computed", [expression, stored], SQLALCHEMY)


def identity(column: Column) -> Source | None:
    """Return sa.Identity(...) with the options that differ from the defaults, None without one."""
    generator = column.identity
    if generator is None or column.type not in _LARGEST or generator.options.type != column.type:
        return None
    if names(generator.sequence) != (column.schema, chosen_name(column.table, column.name, "seq")):
        return None
    options = [f"always={generator.always}", *_options(generator.options)]
    return call("sa.Identity", options, SQLALCHEMY)


def _options(options: SequenceOptions) -> Iterator[str]:
    rising = options.increment > 0
    lowest, largest = -_LARGEST[options.type] - 1, _LARGEST[options.type]
    usual = (1, largest) if rising else (lowest, -1)
    if options.start != (options.minimum if rising else options.maximum):
        yield f"start={options.start}"
    if options.increment != 1:
        yield f"increment={options.increment}"
    if options.minimum != usual[0]:
        yield f"minvalue={options.minimum}"
    if options.maximum != usual[1]:
        yield f"maxvalue={options.maximum}"
    if options.cycle:
        yield "cycle=True"
    if options.cache != 1:
        yield f"cache={options.cache}"
