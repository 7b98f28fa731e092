"""Any object."""

from __future__ import annotations

from typing import TypeAlias

from limbeck.catalog.objects.behaviours import Policy, Rule, Trigger
from limbeck.catalog.objects.columns import Column
from limbeck.catalog.objects.constraints import Constraint
from limbeck.catalog.objects.definitions import Definition
from limbeck.catalog.objects.grants import DefaultGrant, Grant
from limbeck.catalog.objects.indexes import Index
from limbeck.catalog.objects.routines import Function
from limbeck.catalog.objects.schemas import Extension, Schema
from limbeck.catalog.objects.sequences import Sequence
from limbeck.catalog.objects.statistics import Statistics
from limbeck.catalog.objects.tables import Table
from limbeck.catalog.objects.types import (
    Collation,
    Composite,
    Domain,
    Enum,
    Range,
)
from limbeck.catalog.objects.views import View

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
