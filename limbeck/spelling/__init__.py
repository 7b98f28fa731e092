"""Catalog objects as SQLAlchemy source in core style, exact or not at all.

Whatever SQLAlchemy cannot say exactly is None, and the caller says it in SQL.
"""

from __future__ import annotations

from limbeck.spelling.columns import column, usual_not_null
from limbeck.spelling.constraints import constraint, constraint_is_sayable, dotted, parts
from limbeck.spelling.defaults import default, identity
from limbeck.spelling.indexes import index, index_is_sayable
from limbeck.spelling.source import (
    POSTGRESQL,
    SQLALCHEMY,
    Argument,
    Source,
    call,
    escaped,
    keyword,
    literal,
    literals,
    names,
    text,
    unwrapped,
)
from limbeck.spelling.types import type_

__all__ = [
    "POSTGRESQL",
    "SQLALCHEMY",
    "Argument",
    "Source",
    "call",
    "column",
    "constraint",
    "constraint_is_sayable",
    "default",
    "dotted",
    "escaped",
    "identity",
    "index",
    "index_is_sayable",
    "keyword",
    "literal",
    "literals",
    "names",
    "parts",
    "text",
    "type_",
    "unwrapped",
    "usual_not_null",
]
