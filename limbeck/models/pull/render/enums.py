"""Enums: Python's where the labels allow it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from limbeck.models.pull.render import names
from limbeck.models.source.text import SQLALCHEMY, Source, literal
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.types import Enum

_FUTURE = "from __future__ import annotations"


@dataclass(frozen=True, slots=True)
class PythonEnum:
    """An enum with the names that it gets: of its class, its type's variable, its members.

    `members` is None where the labels give no names; then there is no class.
    """

    enum: Enum
    name: str
    variable: str
    members: tuple[str, ...] | None


def python_enums(found: Sequence[Enum], taken: set[str]) -> dict[Address, PythonEnum]:
    """Name the enums; the names are added to those taken."""
    made: dict[Address, PythonEnum] = {}
    for enum in found:
        members = _members(enum.labels)
        name = names.unique(names.class_name(enum.name), taken)
        taken.add(name)
        variable = names.unique(names.constant(enum.name), taken)
        taken.add(variable)
        made[enum.address] = PythonEnum(enum, name, variable, members)
    return made


def type_source(found: PythonEnum) -> Source:
    """Return the assignment of the enum's type to its variable."""
    enum = found.enum
    if found.members is None:
        given = [literal(label) for label in enum.labels]
    else:
        given = [found.name, f"values_callable=lambda {_EACH}: [one.value for one in {_EACH}]"]
    given.append(f"name={literal(enum.name)}")
    if enum.schema != "public":
        given.append(f"schema={literal(enum.schema)}")
    given.append("metadata=Base.metadata")
    return Source(f"{found.variable} = sa.Enum({', '.join(given)})", frozenset({SQLALCHEMY}))


_EACH = "labels"


def class_source(found: PythonEnum) -> Source | None:
    """Return the class of an enum, None where its labels give no names."""
    if found.members is None:
        return None
    lines = [f"class {found.name}(StrEnum):"]
    if found.enum.comment:
        lines.append(f"    {docstring(found.enum.comment)}\n")
    pairs = zip(found.members, found.enum.labels, strict=True)
    lines += [f"    {member} = {literal(label)}" for member, label in pairs]
    return Source("\n".join(lines), frozenset({"from enum import StrEnum"}))


def docstring(text: str) -> str:
    """Return a docstring with this text, in one line where the text is one."""
    safe = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"').strip()
    return f'"""{safe}"""' if not safe.endswith('"') else f'"""{safe} """'


def _members(labels: tuple[str, ...]) -> tuple[str, ...] | None:
    made = [re.sub(r"[\s.:/-]+", "_", label).upper() for label in labels]
    distinct = len(set(made)) == len(made) and made
    plain = all(re.fullmatch(r"[A-Z][A-Z0-9_]*", name) and not name.endswith("__") for name in made)
    return tuple(made) if distinct and plain else None
