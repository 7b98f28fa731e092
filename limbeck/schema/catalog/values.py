"""The objects of a catalog as lists of values, which become JSON, and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.object import Object

Reader: TypeAlias = Callable[[Any], Any]


def text_of(content: object) -> str:
    """Return JSON in which an object is the list of its fields' values."""
    return json.dumps(
        content,
        default=lambda item: _getter(type(item))(item),  # type: ignore[arg-type]  # a class is hashable
        ensure_ascii=False,
        separators=(",", ":"),
    )


@cache
def _getter(kind: Hashable) -> Reader:
    """Return what returns the values of an object's fields, by its class."""
    return attrgetter(*names_of(kind))


@cache
def names_of(kind: Hashable) -> tuple[str, ...]:
    """Return the names of a class' fields."""
    of: Any = kind
    return tuple(field.name for field in fields(of))


def classes_of(names: Mapping[str, Sequence[str]]) -> Mapping[str, type]:
    """Return the classes of objects by their names.

    Args:
        names: the names of the fields of each class when it was written.

    Raises:
        ValueError: a class has other fields now.

    """
    classes = {kind.__name__: kind for kind in get_args(Object)}
    for name, then in names.items():
        if name not in classes or list(names_of(classes[name])) != list(then):
            raise ValueError("a catalog of another version")
    return classes


@cache
def instance(kind: Hashable) -> Reader:
    """Return a function from the values of a dataclass' fields to an instance of it."""
    create: Any = kind
    names, hints = names_of(kind), get_type_hints(create)
    readers = [(name, reader) for name in names if (reader := _reader(hints[name]))]

    def read(values: Sequence[Any]) -> Any:
        keywords = dict(zip(names, values, strict=True))
        for name, reader in readers:
            if keywords[name] is not None:
                keywords[name] = reader(keywords[name])
        return create(**keywords)

    return read


def _reader(hint: Any) -> Reader | None:
    """Return a function from JSON to the value of a field; None where JSON is the value."""
    if hint is Address:
        return lambda values: Address(*values)
    if is_dataclass(hint):
        return instance(hint)  # type: ignore[arg-type]  # a class is hashable
    if get_origin(hint) is tuple:
        inner = _reader(get_args(hint)[0])
        return (lambda values: tuple(map(inner, values))) if inner else tuple
    return next((reader for part in get_args(hint) if (reader := _reader(part))), None)
