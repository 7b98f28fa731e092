"""Some values of a column that is gone: they tell best what it has become."""

from __future__ import annotations

from dataclasses import field

import psycopg

from limbeck.dataclass import dataclass
from limbeck.errors import LimbeckError, UnavailableError
from limbeck.postgres.connect import connect
from limbeck.project import urls
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.sql.quoting import quote

MOST = 3
"""How many different values are shown."""
LONGEST = 24

# The first rows are enough: all of a large table would take long.
_VALUES = """
SELECT DISTINCT pg_catalog.quote_literal(pg_catalog.left({column}::text, {longest} + 1)) FROM (
    SELECT {column} FROM {table} WHERE {column} IS NOT NULL LIMIT 100
) AS first LIMIT {most}"""


@dataclass(slots=True)
class Samples:
    """The values of columns in an unprotected environment; nothing where it does not answer."""

    project: Project
    profile: Profile | None = None
    _silent: bool = field(default=False, init=False)

    def of(self, address: Address) -> list[str]:
        """Return some values of a column as SQL spells them; nothing for other objects."""
        if address.kind != "column" or self._silent:
            return []
        try:
            profile = self.profile or self.project.profile()
            if profile.protected:
                return []
            database = urls.database(self.project, profile)
            with connect(database, read_only=True) as connection:
                rows = connection.execute(_question(address).encode()).fetchall()
        except UnavailableError:  # a server that is away is asked once
            self._silent = True
            return []
        # There is no URL; the table is not there, or the role may not read it or all of its rows.
        except (LimbeckError, psycopg.Error):
            return []
        return [_short(str(value)) for (value,) in rows]


def _question(address: Address) -> str:
    table = f"{quote(address.schema)}.{quote(address.name)}"
    return _VALUES.format(column=quote(address.part), table=table, longest=LONGEST, most=MOST)


def _short(literal: str) -> str:
    return literal if len(literal) <= LONGEST + 2 else f"{literal[:LONGEST]}…'"
