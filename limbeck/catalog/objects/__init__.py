"""The values a catalog holds: one frozen class a kind of object.

Every text that Postgres spells (types, expressions, definitions) was spelled with an empty
search_path, so each name in it is qualified. Fields marked "not compared" carry what a renderer
needs but are no difference on their own.

Each is imported when it is first used: a question is on its way to Postgres before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from limbeck.catalog.objects.address import Address
from limbeck.lazily import attributes

if TYPE_CHECKING:
    from limbeck.catalog.objects.behaviours import Policy, Rule, Trigger
    from limbeck.catalog.objects.columns import Column, Identity, NotNull
    from limbeck.catalog.objects.constraints import Constraint, Reference
    from limbeck.catalog.objects.definitions import Definition
    from limbeck.catalog.objects.grants import DefaultGrant, Grant
    from limbeck.catalog.objects.indexes import Index, Key
    from limbeck.catalog.objects.object import Object
    from limbeck.catalog.objects.routines import Function
    from limbeck.catalog.objects.schemas import Extension, Schema
    from limbeck.catalog.objects.sequences import Sequence, SequenceOptions
    from limbeck.catalog.objects.statistics import Statistics
    from limbeck.catalog.objects.tables import Table
    from limbeck.catalog.objects.types import (
        Attribute,
        Collation,
        Composite,
        Domain,
        DomainCheck,
        Enum,
        Range,
    )
    from limbeck.catalog.objects.views import View, ViewColumn

__all__ = [
    "Address",
    "Attribute",
    "Collation",
    "Column",
    "Composite",
    "Constraint",
    "DefaultGrant",
    "Definition",
    "Domain",
    "DomainCheck",
    "Enum",
    "Extension",
    "Function",
    "Grant",
    "Identity",
    "Index",
    "Key",
    "NotNull",
    "Object",
    "Policy",
    "Range",
    "Reference",
    "Rule",
    "Schema",
    "Sequence",
    "SequenceOptions",
    "Statistics",
    "Table",
    "Trigger",
    "View",
    "ViewColumn",
]

if not TYPE_CHECKING:  # a type checker would take any name for one of them
    __getattr__ = attributes(
        __name__,
        {
            "Attribute": "types",
            "Collation": "types",
            "Column": "columns",
            "Composite": "types",
            "Constraint": "constraints",
            "DefaultGrant": "grants",
            "Definition": "definitions",
            "Domain": "types",
            "DomainCheck": "types",
            "Enum": "types",
            "Extension": "schemas",
            "Function": "routines",
            "Grant": "grants",
            "Identity": "columns",
            "Index": "indexes",
            "Key": "indexes",
            "NotNull": "columns",
            "Object": "object",
            "Policy": "behaviours",
            "Range": "types",
            "Reference": "constraints",
            "Rule": "behaviours",
            "Schema": "schemas",
            "Sequence": "sequences",
            "SequenceOptions": "sequences",
            "Statistics": "statistics",
            "Table": "tables",
            "Trigger": "behaviours",
            "View": "views",
            "ViewColumn": "views",
        },
    )
