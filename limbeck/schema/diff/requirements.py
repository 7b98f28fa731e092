"""What a part needs of a major, and the refusal to write it for a major that lacks it.

A property that Postgres stores only since some major, and that no older form can state, stands in
one of the tables below. Forms that have an equal older one are chosen where the statement is
rendered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from limbeck.errors import ConfigurationError
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.definitions import Definition
from limbeck.schema.catalog.objects.grants import DefaultGrant, Grant
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.sequences import Sequence
from limbeck.schema.catalog.objects.tables import Table
from limbeck.schema.catalog.objects.types import Collation
from limbeck.schema.catalog.objects.views import View
from limbeck.schema.diff.fates import Fates
from limbeck.schema.diff.part import Part, Required, owner
from limbeck.schema.diff.parts import Parts
from limbeck.schema.sql import forms, lexer
from limbeck.schema.sql.forms import Form

Properties = tuple[tuple[Form, Callable[[Any], bool]], ...]

PROPERTIES: Final[dict[type, Properties]] = {
    Column: ((forms.VIRTUAL_COLUMNS, lambda column: column.generated == "v"),),
    Required: (
        (forms.NOT_NULL_NO_INHERIT, lambda part: part.constraint.no_inherit),
        (forms.NOT_NULL_NOT_VALID, lambda part: not part.constraint.validated),
        (forms.NAMED_NOT_NULLS, lambda part: part.constraint.comment is not None),
    ),
    Constraint: (
        (forms.NOT_ENFORCED, lambda constraint: not constraint.enforced),
        (forms.WITHOUT_OVERLAPS, lambda constraint: _has(constraint, "pu", "WITHOUT OVERLAPS)")),
        (forms.PERIOD, lambda constraint: _has(constraint, "f", ", PERIOD ")),
        (forms.NULLS_NOT_DISTINCT, lambda constraint: constraint.nulls_not_distinct),
        (
            forms.SET_COLUMNS,
            lambda constraint: bool(constraint.reference and "(" in constraint.reference.on_delete),
        ),
    ),
    Index: ((forms.NULLS_NOT_DISTINCT, lambda index: index.nulls_not_distinct),),
    Sequence: ((forms.UNLOGGED_SEQUENCES, lambda sequence: sequence.unlogged),),
    View: ((forms.SECURITY_INVOKER, lambda view: "security_invoker" in " ".join(view.options)),),
    Collation: (
        (forms.BUILTIN_COLLATIONS, lambda collation: collation.provider == "builtin"),
        (forms.COLLATION_RULES, lambda collation: collation.rules is not None),
    ),
    DefaultGrant: (
        (forms.DEFAULT_PRIVILEGES_ON_LARGE_OBJECTS, lambda grant: grant.on == "large object"),
        (forms.MAINTAIN, lambda grant: "MAINTAIN" in grant.privileges),
    ),
    Grant: ((forms.MAINTAIN, lambda grant: "MAINTAIN" in grant.privileges),),
}
"""The properties of a part alone."""

PUBLICATIONS: Final = (
    # ONLY, the schema, a dot, the table: so the catalog spells each table.
    (forms.PUBLISHED_COLUMNS, re.compile(r"ONLY \S+ \. \S+ \(")),
    (forms.PUBLISHED_ROWS, re.compile(r"ONLY .* WHERE \(")),
    (forms.PUBLISHED_SCHEMAS, re.compile("TABLES IN SCHEMA")),
    (forms.PUBLISHED_GENERATED, re.compile("PUBLISH_GENERATED_COLUMNS =")),
)
"""The properties of a publication, by its statement with blanks between the tokens."""


def check(fates: Fates) -> None:
    """Refuse a change whose result the lowest major cannot be told.

    Raises:
        ConfigurationError: A part that is created or altered has a property which that major lacks.

    """
    catalog = fates.after.catalog
    major = min(catalog.lowest_major, fates.before.catalog.lowest_major)
    if major == catalog.major:
        return  # the server itself would not have created such a part
    for address, fate in sorted(fates.fate.items()):
        if fate == "drop":
            continue
        for form in _needed(address, fates):
            if not form.exists(major):
                raise refusal(address, form, major)


def refusal(address: Address, form: Form, major: int) -> ConfigurationError:
    """Return the error for a part whose form a major lacks."""
    return ConfigurationError(
        f"{address}: {form.name} exists since Postgres {form.since}, and the revision is written "
        f"for Postgres {major}",
        hint=f"Change the models, or declare Postgres {form.since} or newer for every environment.",
    )


def _needed(address: Address, fates: Fates) -> Iterator[Form]:
    part = fates.after[address]
    for form, needs in PROPERTIES.get(type(part), ()):
        if needs(part):
            yield form
    if isinstance(part, Definition):
        yield from _of_definition(part)
    elif isinstance(part, Constraint):
        yield from _of_partitioned(part, fates.after)
    elif isinstance(part, Table | View):
        yield from _of_method(part, fates.before.get(address))


def _of_definition(item: Definition) -> Iterator[Form]:
    text = " ".join(lexer.words(item.create))
    if item.kind == "publication":
        yield from (form for form, sign in PUBLICATIONS if sign.search(text))
    elif item.kind == "event_trigger" and " ON LOGIN " in text:
        yield forms.LOGIN_TRIGGERS


def _of_partitioned(constraint: Constraint, parts: Parts) -> Iterator[Form]:
    table = parts.get(owner(constraint.address))
    if isinstance(table, Table) and table.kind == "p":
        if constraint.type == "x":
            yield forms.EXCLUSIONS_OF_PARTITIONED
        if constraint.type == "f" and not constraint.validated and constraint.enforced:
            yield forms.FOREIGN_KEYS_NOT_VALID_OF_PARTITIONED


def _of_method(after: Table | View, before: Part | None) -> Iterator[Form]:
    """Yield the forms for the access method of a relation, which SQL names only to change it."""
    if isinstance(after, Table) and after.kind == "p" and after.access_method:
        yield forms.ACCESS_METHODS_OF_PARTITIONED
    if isinstance(before, Table | View) and before.access_method != after.access_method:
        yield forms.SET_ACCESS_METHOD


def _has(constraint: Constraint, types: str, words: str) -> bool:
    """Return whether a constraint of certain types has words, which Postgres spells in capitals."""
    return constraint.type in types and words in constraint.definition
