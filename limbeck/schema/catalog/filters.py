"""The filters that decide which schemas and tables of a database a catalog covers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field
from fnmatch import fnmatchcase
from typing import Final

from limbeck.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Filters:
    """The schemas and tables to read, as fnmatch patterns of "table" or "schema.table".

    `tables` and `ignore` select tables and views, with all that belongs to them. `version_table`
    is the name of Alembic's table, which is left out of every schema; `version_table_schema` is a
    schema that is left out without its tables. `grants` is whether privileges are read. `allowed`
    decides last about a schema and a table. `lowest_major` is the lowest major that SQL is written
    for; None is the server's own. `within` leaves out what is in no schema, such as extensions.
    """

    schemas: tuple[str, ...] = ("*",)
    ignore_schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ("*",)
    ignore: tuple[str, ...] = ()
    version_table: str = "alembic_version"
    version_table_schema: str | None = None
    grants: bool = False
    allowed: Callable[[str, str], bool] | None = field(default=None, compare=False)
    lowest_major: int | None = None
    within: bool = False

    def schema(self, name: str) -> bool:
        """Return whether a schema is read."""
        return _matches(self.schemas, name) and not _matches(self.ignore_schemas, name)

    def table(self, schema: str, name: str) -> bool:
        """Return whether a table or view is read, given that its schema is."""
        names = (name, f"{schema}.{name}")
        return (
            name != self.version_table
            and _matches(self.tables, *names)
            and not _matches(self.ignore, *names)
            and (self.allowed is None or self.allowed(schema, name))
        )


def _matches(patterns: Iterable[str], *names: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


EVERYTHING: Final = Filters()
