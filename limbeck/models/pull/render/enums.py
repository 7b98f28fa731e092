"""Enums of pulled models: a class in Python where the labels are names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from limbeck.dataclass import dataclass
from limbeck.models.pull.render import names
from limbeck.models.pull.render.naming import Choices
from limbeck.models.source.text import SQLALCHEMY, Source, literal
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.types import Enum
from limbeck.visible import visible

_FUTURE = "from __future__ import annotations"


@dataclass(frozen=True, slots=True)
class PythonEnum:
    """An enum with the names of its class, of the variable for its type, and of its members.

    `members` is None where the labels make no names; then there is no class. One of the working
    models has `known`, as their own source spells it.
    """

    enum: Enum
    name: str
    variable: str
    members: tuple[str, ...] | None
    known: Spelling | None = None

    @property
    def type(self) -> Source:
        """The type of a column."""
        if self.known:
            return self.known.type
        return Source(self.variable, frozenset({f"enums:{self.variable}"}))

    @property
    def annotation(self) -> Source:
        """The annotation of a value that is not NULL."""
        if self.known:
            return self.known.annotation
        if self.members is None:
            return Source("str")
        return Source(self.name, frozenset({f"enums:{self.name}"}))


@dataclass(frozen=True, slots=True)
class Spelling:
    """How the working models spell an enum; `implied` tells that the annotation suffices."""

    annotation: Source
    type: Source
    implied: bool


def python_enums(
    enums: Sequence[Enum], taken: set[str], choices: Choices
) -> dict[Address, PythonEnum]:
    """Name the enums, and add the names to those taken."""
    named: dict[Address, PythonEnum] = {}
    for enum in enums:
        members = _members(enum.labels)
        name = names.first(_candidates(enum), taken, choices.top(enum.schema, enum.name))
        plain = names.constant(enum.name)
        variable = names.unique(plain if plain not in taken else f"{plain}_TYPE", taken)
        taken.add(variable)
        named[enum.address] = PythonEnum(enum, name, variable, members)
    return named


def known_enum(enum: Enum, known: Spelling) -> PythonEnum:
    """Return an enum of the working models."""
    return PythonEnum(enum, known.annotation.text, "", (), known)


def _candidates(enum: Enum) -> Iterator[str]:
    """Yield names for the class of an enum, the best first."""
    yield (plain := names.class_name(enum.name))
    if enum.schema != "public":
        yield names.class_name(f"{enum.schema}_{enum.name}")
    yield from (f"{plain}Enum{number or ''}" for number in range(10_000))


def type_source(python_enum: PythonEnum) -> Source:
    """Return the assignment of the enum's type to its variable."""
    enum = python_enum.enum
    if python_enum.members is None:
        given = [literal(label) for label in enum.labels]
    else:
        given = [python_enum.name, BY_VALUE]
    given.append(f"name={literal(enum.name)}")
    if enum.schema != "public":
        given.append(f"schema={literal(enum.schema)}")
    given.append("metadata=Base.metadata")
    return Source(f"{python_enum.variable} = sa.Enum({', '.join(given)})", frozenset({SQLALCHEMY}))


# The argument of sa.Enum by which labels are the values of a class's members, not their names.
BY_VALUE = "values_callable=lambda labels: [label.value for label in labels]"


def class_source(python_enum: PythonEnum) -> Source | None:
    """Return the class of an enum, None where its labels make no names."""
    if python_enum.members is None:
        return None
    lines = [f"class {python_enum.name}(StrEnum):"]
    if python_enum.enum.comment:
        lines.append(f"    {docstring(python_enum.enum.comment)}\n")
    pairs = zip(python_enum.members, python_enum.enum.labels, strict=True)
    lines += [f"    {member} = {literal(label)}" for member, label in pairs]
    return Source("\n".join(lines), frozenset({"from enum import StrEnum"}))


def docstring(text: str) -> str:
    """Return the source of a docstring."""
    safe = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"').strip()
    safe = visible(safe)  # an escape is the same character to Python
    return f'"""{safe}"""' if not safe.endswith('"') else f'"""{safe} """'


def _members(labels: tuple[str, ...]) -> tuple[str, ...] | None:
    members = [re.sub(r"[\s.:/-]+", "_", label).upper() for label in labels]
    distinct = len(set(members)) == len(members) and members
    plain = all(
        re.fullmatch(r"[A-Z][A-Z0-9_]*", name) and not name.endswith("__") for name in members
    )
    return tuple(members) if distinct and plain else None
