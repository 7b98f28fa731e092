"""Objects beside tables: declared beside the models, and created by create_all with them.

recent_books = View("recent_books", select(Book.id, Book.title), metadata=Base.metadata)
"""

from __future__ import annotations

from limbeck.entities.code import Aggregate, Function, Procedure, Rule, Trigger
from limbeck.entities.constraints import Inherits, NotNull, TableConstraint
from limbeck.entities.entity import Entity, Extension, Schema, entities
from limbeck.entities.relations import MaterializedView, Partition, Sequence, View
from limbeck.entities.security import Policy, RowSecurity
from limbeck.entities.statements import Definition, Statement, Statistics
from limbeck.entities.types import Collation, Composite, Domain, Range, Serial, Type, TypeLike

__all__ = [
    "Aggregate",
    "Collation",
    "Composite",
    "Definition",
    "Domain",
    "Entity",
    "Extension",
    "Function",
    "Inherits",
    "MaterializedView",
    "NotNull",
    "Partition",
    "Policy",
    "Procedure",
    "Range",
    "RowSecurity",
    "Rule",
    "Schema",
    "Sequence",
    "Serial",
    "Statement",
    "Statistics",
    "TableConstraint",
    "Trigger",
    "Type",
    "TypeLike",
    "View",
    "entities",
]
