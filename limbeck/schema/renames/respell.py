"""The definitions and expressions of a catalog, as Postgres would deparse them after renames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.renames.move import names_of
from limbeck.schema.renames.rename import Rename
from limbeck.schema.renames.tokens import Names, alike, substituted

# The fields that Postgres deparses from its catalogs, so that a rename changes them.
_FIELDS = """
    type default definition index using check checks collation columns partition_key
    partition_bound of_type subtype subtype_opclass subtype_diff canonical multirange attributes
    create drop expression where
    """
TEXTS = frozenset(_FIELDS.split())


def respelled(before: Catalog, after: Catalog, renames: Sequence[Rename]) -> Catalog:
    """Return a catalog whose addresses have moved, with its texts as Postgres would deparse them.

    Deparsing needs a server, so a text is compared instead: if it differs from the one of `after`
    only by renamed names, and depends on the same objects, it becomes that one. In any other text
    the names are replaced, which is enough for the diff to find that it differs.

    Args:
        before: The catalog, moved by all renames.
        after: The catalog to reach.
        renames: The renames that have moved it.

    """
    names = names_of(renames)
    objects = {
        at: _respelled(item, at, before, after, names) for at, item in before.objects.items()
    }
    return replace(before, objects=objects)


def _respelled(item: Object, at: Address, before: Catalog, after: Catalog, names: Names) -> Object:
    wanted = after.objects.get(at)
    if wanted is None or type(wanted) is not type(item):
        return item
    users = [at, at._replace(kind="default")] if at.kind == "column" else [at]
    same = all(before.depends.get(user) == after.depends.get(user) for user in users)
    if not isinstance(item, Function):
        return _fields(item, wanted, names, same=same)  # type: ignore[no-any-return]
    return replace(item, **_function(item, wanted, names)) if isinstance(wanted, Function) else item


def _function(item: Function, wanted: Function, names: Names) -> dict[str, Any]:
    """Return the changed fields of a function; a rename never changes a body that is a string."""
    mark = "\nAS $"
    head, as_, body = item.definition.partition(mark)
    wanted_head, _, wanted_body = wanted.definition.partition(mark)
    result = wanted.result if alike(item.result, wanted.result, names) else item.result
    arguments = item.arguments
    if alike(arguments, wanted.arguments, names):
        arguments = wanted.arguments
    if alike(head, wanted_head, names) and (body == wanted_body or not as_):
        return {"definition": wanted.definition, "result": result, "arguments": arguments}
    definition = f"{substituted(head, names)}{as_}{body}"
    return {"definition": definition, "result": result, "arguments": arguments}


def _value(old: Any, new: Any, names: Names, *, same: bool) -> Any:
    if isinstance(old, str) and isinstance(new, str):
        if alike(old, new, names) and same:
            return new
        return substituted(old, names) if old == new and not same else old
    if isinstance(old, tuple) and isinstance(new, tuple) and len(old) == len(new):
        pairs = zip(old, new, strict=True)
        return tuple(_fields(left, right, names, same=same) for left, right in pairs)
    return old


def _fields(old: Any, new: Any, names: Names, *, same: bool) -> Any:
    if not hasattr(old, "__dataclass_fields__"):
        return old
    changes = {
        name: _value(getattr(old, name), getattr(new, name), names, same=same)
        for name in TEXTS & {field.name for field in fields(old)}
    }
    return replace(old, **changes)
