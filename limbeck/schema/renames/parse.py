"""Read --rename options, such as public.users:public.people."""

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

# The kinds that a name is looked up as, in this order: the first one wins.
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
    """A rename names an object that does not exist."""


def parse(text: str, before: Catalog, after: Catalog, earlier: Sequence[Rename] = ()) -> Rename:
    """Return the rename that a --rename option states.

    If the rename has run already, both of its addresses are the new one.

    Args:
        text: "old:new"; both names are qualified ("public.users.email"), and quoted if they
            contain a dot or a colon.
        before: The catalog before the change.
        after: The catalog after it.
        earlier: The renames of outer objects, which are in the old name already.

    Raises:
        UnknownNameError: The old name is not in `before`, or the new one is not in `after`.
        ConfigurationError: The text is not of the form old:new.

    """
    sides = split(text, ":")
    if len(sides) != 2:  # noqa: PLR2004
        raise ConfigurationError(
            f"{text!r} is not of the form old:new",
            hint="Write qualified names: --rename public.users:public.people",
        )
    for rename in earlier:
        before = moved(before, rename)
    old, new = (names(side) for side in sides)
    there, here = dict(_candidates(before, old)), dict(_candidates(after, new))
    if not there and here.keys() & dict(_candidates(before, new)).keys():
        there = here  # the rename has run already
    both = [kind for kind in (*ORDER, *sorted(there)) if kind in there and kind in here]
    if not both:
        missing, where = (old, "before") if not there else (new, "after")
        raise UnknownNameError(
            f"no such rename: {text} ({'.'.join(missing)} does not exist {where} the change,"
            " or is of another kind)",
            hint="Write qualified names, outer objects first: schemas, then tables, then columns.",
        )
    kind = both[0]
    return Rename("enum" if kind == "label" else kind, there[kind], here[kind])


def answers(
    texts: Iterable[str], before: Catalog, after: Catalog
) -> tuple[tuple[Rename, ...], tuple[str, ...]]:
    """Return the renames that --rename options state, and the options that name no object here.

    Raises:
        ConfigurationError: An option is not of the form old:new.

    """
    renames: list[Rename] = []
    idle: list[str] = []
    for text in texts:
        try:
            renames.append(parse(text, before, after, renames))
        except UnknownNameError:
            idle.append(text)
    return tuple(renames), tuple(idle)


def _candidates(catalog: Catalog, names: tuple[str, ...]) -> Iterator[tuple[str, Address]]:
    """Yield the objects that a name can mean, by kind."""
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
