"""Pieces of SQL for the statements of a diff: names, lists, storage parameters, ALTER TABLE."""

from __future__ import annotations

import re
from collections.abc import Iterable

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.sql.quoting import KEYWORDS, literal, qualified, quote


def indented(lines: Iterable[str]) -> str:
    """Return the lines of a parenthesised list, indented and separated by commas."""
    return ",\n".join(f"    {line}" for line in lines)


def options(settings: Iterable[str]) -> str:
    """Return storage parameters ("fillfactor=70") as the inside of WITH (...) or SET (...)."""
    return ", ".join(_option(setting) for setting in settings)


def _option(setting: str) -> str:
    name, _, value = setting.partition("=")
    plain = re.fullmatch(r"-?[0-9.]+|[a-z_]+", value) and value not in KEYWORDS - {"true", "false"}
    spelled = ".".join(quote(part) for part in name.split(".", 1))
    return f"{spelled}={value if plain or value in {'on', 'off'} else literal(value)}"


def option_names(settings: Iterable[str]) -> list[str]:
    """Return the names of storage parameters, quoted for RESET (...)."""
    return [_option(setting).partition("=")[0] for setting in settings]


def alter_table(column: Column | Address, *, only: bool = False) -> str:
    """Return ALTER TABLE and the name of the table that a column, constraint ... belongs to."""
    name = column.name if isinstance(column, Address) else column.table
    return f"ALTER TABLE {'ONLY ' if only else ''}{qualified(column.schema, name)}"


def alter_column(column: Column) -> str:
    """Return ALTER TABLE ... ALTER COLUMN and the name of the column."""
    return f"{alter_table(column)} ALTER COLUMN {quote(column.name)}"


def server_options(options: Iterable[str]) -> str:
    """Return "name=value" options of a foreign object as the inside of OPTIONS (...)."""
    pairs = (option.partition("=") for option in options)
    return ", ".join(f"{quote(name)} {literal(value)}" for name, _, value in pairs)
