"""The union of all classes of objects, which have addresses of their own."""

from __future__ import annotations

from typing import TypeAlias

from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.definitions import Definition
from limbeck.schema.catalog.objects.grants import DefaultGrant, Grant
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.catalog.objects.schemas import Extension, Schema
from limbeck.schema.catalog.objects.sequences import Sequence
from limbeck.schema.catalog.objects.statistics import Statistics
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.triggers import Policy, Rule, Trigger
from limbeck.schema.catalog.objects.types import Collation, Composite, Domain, Enum, Range
from limbeck.schema.catalog.objects.views import View

Object: TypeAlias = (
    Schema
    | Extension
    | Enum
    | Domain
    | Composite
    | Range
    | Collation
    | Sequence
    | Table
    | Column
    | Index
    | Constraint
    | View
    | Function
    | Trigger
    | Policy
    | Rule
    | Statistics
    | Definition
    | Grant
    | DefaultGrant
)
