"""The table of all classes in this folder, for whoever has to find one by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from limbeck.schema.catalog.objects.columns import Column, Identity, NotNull
from limbeck.schema.catalog.objects.constraints import Constraint, Reference
from limbeck.schema.catalog.objects.definitions import Definition
from limbeck.schema.catalog.objects.grants import DefaultGrant, Grant
from limbeck.schema.catalog.objects.indexes import Index, Key
from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.catalog.objects.schemas import Extension, Schema
from limbeck.schema.catalog.objects.sequences import Sequence, SequenceOptions
from limbeck.schema.catalog.objects.statistics import Statistics
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.triggers import Policy, Rule, Trigger
from limbeck.schema.catalog.objects.types import (
    Attribute,
    Collation,
    Composite,
    Domain,
    DomainCheck,
    Enum,
    Range,
)
from limbeck.schema.catalog.objects.views import View, ViewColumn

KINDS: Final[Mapping[str, type[Any]]] = {
    kind.__name__: kind
    for kind in (
        Attribute,
        Collation,
        Column,
        Composite,
        Constraint,
        DefaultGrant,
        Definition,
        Domain,
        DomainCheck,
        Enum,
        Extension,
        Function,
        Grant,
        Identity,
        Index,
        Key,
        NotNull,
        Policy,
        Range,
        Reference,
        Rule,
        Schema,
        Sequence,
        SequenceOptions,
        Statistics,
        Table,
        Trigger,
        View,
        ViewColumn,
    )
}
