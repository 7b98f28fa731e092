"""The query that remembers objects, as a constant of the revision and a call with their names."""

from __future__ import annotations

from typing import Final

from limbeck.models.source.text import Source, escaped, literal
from limbeck.schema.diff.remembering import QUERY, Remember

# A revision may remember objects several times, and so does its downgrade.
CONSTANT: Final = f'REMEMBER = """\\\n{QUERY}"""'
_COMMENT: Final = """\
# Owners, privileges, comments and settings that this database has: kept here, restored below.
"""


def call_of(operation: Remember) -> Source:
    """Return the op.execute call of a query that remembers objects."""
    rows = [f"{row}, " for row in operation.rows[:-1]] + [operation.rows[-1]]
    texts = "\n    ".join(literal(escaped(row)) for row in rows)
    setting = literal(operation.setting)
    return Source(f"{_COMMENT}op.execute(\n    REMEMBER.format({setting}, {texts})\n)")
