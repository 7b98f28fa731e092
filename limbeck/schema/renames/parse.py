"""Answers to --rename, such as public.users:public.users2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from limbeck.errors import ConfigurationError
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.indexes import Index
from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.catalog.objects.types import Enum
from limbeck.schema.renames.move import moved
from limbeck.schema.renames.rename import Rename
from limbeck.schema.sql.quoting import names, split

# What a name is taken for first, where it is the name of several things.
ORDER = (
    "schema",
    "table",
    "view",
    "sequence",
    "enum",
    "domain",
    "composite",
    "range",
    "collation",
    "column",
    "constraint",
    "policy",
    "trigger",
    "rule",
    "index",
    "statistics",
    "function",
)


class UnknownNameError(ConfigurationError):
    """A rename was answered of something that is not there."""


def parse(text: str, before: Catalog, after: Catalog, earlier: Sequence[Rename] = ()) -> Rename:
    """Understand one answer, after the answers that were given before it.

    Names are whole ("public.users.email"), quoted where they hold a dot or a colon. Of an answer
    that was carried out already both addresses are the new one.

    Raises:
        UnknownNameError: the old name is not in `before`, the new one not in `after`.
        ConfigurationError: it is not of the form old:new.

    """
    sides = split(text, ":")
    if len(sides) != 2:  # noqa: PLR2004
        raise ConfigurationError(
            f"{text!r} does not say what is renamed to what",
            hint="Write the whole names: --rename public.users:public.people",
        )
    for rename in earlier:
        before = moved(before, rename)
    old, new = (names(side) for side in sides)
    there, here = dict(_candidates(before, old)), dict(_candidates(after, new))
    if not there and here.keys() & dict(_candidates(before, new)).keys():
        there = here  # an answer that was carried out already
    both = [kind for kind in (*ORDER, *sorted(there)) if kind in there and kind in here]
    if not both:
        missing, where = (old, "before") if not there else (new, "after")
        raise UnknownNameError(
            f"--rename {text}: there is no {'.'.join(missing)} of that kind {where} the change",
            hint="Write whole names, outer ones first: schemas, then tables, then columns.",
        )
    kind = both[0]
    return Rename("enum" if kind == "label" else kind, there[kind], here[kind])


def answers(
    texts: Iterable[str], before: Catalog, after: Catalog
) -> tuple[tuple[Rename, ...], tuple[str, ...]]:
    """Understand all answers, outer ones first; return also those that fit nothing here.

    Raises:
        ConfigurationError: an answer is not of the form old:new.

    """
    found: list[Rename] = []
    idle: list[str] = []
    for text in texts:
        try:
            found.append(parse(text, before, after, found))
        except UnknownNameError:
            idle.append(text)
    return tuple(found), tuple(idle)


def _candidates(catalog: Catalog, names: tuple[str, ...]) -> Iterator[tuple[str, Address]]:
    """Yield what a name can mean, by kind."""
    for address, item in catalog.objects.items():
        kind, schema, name, part = address
        if kind == "function" and isinstance(item, Function):
            name = name if name == names[-1] else item.name
        if names in {(schema, name, part), (schema, name) if not part else (), _flat(address)}:
            yield kind, address
        elif isinstance(item, Enum) and names[:2] == (schema, name) and names[2:]:
            if names[2] in item.labels:
                yield "label", address._replace(part=names[2])
        elif isinstance(item, Index) and names == (*item.table[1:3], name):
            yield kind, address


def _flat(address: Address) -> tuple[str, ...]:
    return (address.name,) if not address.schema and not address.part else ()
