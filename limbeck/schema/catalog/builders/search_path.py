"""Expressions as they read with public on the search_path, as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from limbeck.schema.catalog.builders.arrays import settled
from limbeck.schema.catalog.builders.reading import Reading

# Alembic compares defaults without the cast of this literal.
_NEXTVAL: Final = re.compile(r"nextval\(('(?:[^']|'')+')::regclass\)")


def texts(reading: Reading) -> dict[str, str]:
    """Return the texts that read otherwise there, by their spelling without a search_path."""
    return {far: near for far, near in _pairs(reading) if far != near}


def _pairs(reading: Reading) -> Iterator[tuple[str, str]]:
    for relation, number, text in reading.rows["near defaults"]:
        if (relation, number) in reading.defaults:
            yield reading.defaults[relation, number], _NEXTVAL.sub(r"nextval(\1)", settled(text))
    keys: dict[int, list[str]] = dict(reading.rows["near keys"])
    for row in reading.rows["indexes"]:
        if row[0] in keys:
            for far, near in zip(row[19], keys[row[0]], strict=True):
                yield settled(far), settled(near)
