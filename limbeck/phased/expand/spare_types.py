"""Types that exist twice until the contract: the new one of a name has a temporary name until then.

An enum that loses a label is created again, and with it the domains and composite types that hold
it. `RetypedColumns` gives the hidden columns the new types.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from limbeck.dataclass import dataclass
from limbeck.phased.expand.naming import beside
from limbeck.schema.catalog.names import of
from limbeck.schema.catalog.objects.types import Composite, Domain, Enum
from limbeck.schema.diff.operations import Execute
from limbeck.schema.diff.steps import Step
from limbeck.schema.sql.lexer import tokens
from limbeck.schema.sql.quoting import literal, quote

Type: TypeAlias = Enum | Domain | Composite


@dataclass(frozen=True, slots=True)
class Spares:
    """The types that are created again, each after those that it holds."""

    types: tuple[Type, ...] = ()

    @property
    def names(self) -> Mapping[str, str]:
        """The temporary names of the types, qualified."""
        return {of(item.address): of(aside(item).address) for item in self.types}

    def spelled(self, type_: str) -> str:
        """Return a type, or an expression, with the temporary names."""
        return _spelled(type_, self.names)

    def created(self) -> Iterator[Step]:
        """Create the types under their temporary names.

        The diff that follows adds the default and NOT NULL of a domain: a new hidden column would
        have the one in all rows, and violate the other.
        """
        for item in self.types:
            text = f"CREATE {_definition(item, self.names)}"
            yield Step(Execute(text, "create", aside(item).address))

    def dropped(self) -> Iterator[Step]:
        """Drop the types, those that hold others first."""
        for item in reversed(self.types):
            kind = "DOMAIN" if isinstance(item, Domain) else "TYPE"
            yield Step(Execute(f"DROP {kind} {of(item.address)}", "drop", item.address))

    def set_aside(self) -> Iterator[Step]:
        """Rename the types, so that others can have their names."""
        for item in self.types:
            yield renamed(item, aside(item, "_old").name)

    def named(self) -> Iterator[Step]:
        """Give the types their names, which are free by now."""
        for item in self.types:
            yield renamed(aside(item), item.name)


def aside(item: Type, suffix: str = "_new") -> Type:
    """Return a type under its temporary name."""
    return replace(item, name=beside(item.name, suffix))


def renamed(item: Type, name: str) -> Step:
    """Return the step that renames a type."""
    kind = "DOMAIN" if isinstance(item, Domain) else "TYPE"
    text = f"ALTER {kind} {of(item.address)} RENAME TO {quote(name)}"
    return Step(Execute(text, "rename", item.address))


def held(type_: str, types: Iterable[Type]) -> bool:
    """Return whether a column's type is one of these types, or an array of one."""
    return type_.removesuffix("[]") in {of(item.address) for item in types}


def _definition(item: Type, names: Mapping[str, str]) -> str:
    name = names[of(item.address)]
    if isinstance(item, Enum):
        return f"TYPE {name} AS ENUM ({', '.join(map(literal, item.labels))})"
    if isinstance(item, Composite):
        fields = (
            f"{quote(field.name)} {_spelled(field.type, names)}{_collate(field.collation)}"
            for field in item.attributes
        )
        return f"TYPE {name} AS ({', '.join(fields)})"
    checks = "".join(
        f" CONSTRAINT {quote(check.name)} {_spelled(check.definition, names)}"
        for check in item.checks
        if not check.definition.endswith(" NOT VALID")
    )
    return f"DOMAIN {name} AS {_spelled(item.type, names)}{_collate(item.collation)}{checks}"


def _collate(collation: str | None) -> str:
    return f" COLLATE {collation}" if collation else ""


def _spelled(text: str, names: Mapping[str, str]) -> str:
    """Return a text of Postgres' with other names for types, which it always qualifies."""
    words: Sequence[tuple[str, str, int]] = tokens(text)
    parts, place = list[str](), 0
    for first, dot, last in zip(words, words[1:], words[2:], strict=False):
        name = f"{first[1]}{dot[1]}{last[1]}"
        if name in names:
            parts += [text[place : first[2]], names[name]]
            place = first[2] + len(name)
    return "".join([*parts, text[place:]])
