"""A Catalog as JSON and back, for the cache on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from operator import attrgetter
from typing import Any, Final, TypeAlias, get_args, get_origin, get_type_hints

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.collector import paused
from limbeck.schema.catalog.lowest import written_for
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.object import Object

FORMAT: Final = 2
"""Raise it when the meaning of a field in objects/ changes; new fields are noticed anyway."""

Reader: TypeAlias = Callable[[Any], Any]


def dumps(catalog: Catalog) -> bytes:
    """Return the catalog as JSON in UTF-8, from which `loads` makes an equal one.

    To be short and fast to read, an object is the list of its fields' values; the names of the
    fields stand once for each class. Each address stands once, too: edges refer to its number.
    """
    objects: dict[str, list[Object]] = {}
    for item in catalog.objects.values():
        objects.setdefault(type(item).__name__, []).append(item)
    numbers: dict[Address, int] = {}
    for source, targets in catalog.depends.items():
        for address in (source, *targets):
            numbers.setdefault(address, len(numbers))
    content = {
        "format": FORMAT,
        "server": catalog.server,
        "target": catalog.target,
        "unreadable": catalog.unreadable,
        "fields": {name: _names(type(items[0])) for name, items in objects.items()},
        "objects": objects,
        "addresses": list(numbers),
        "depends": [
            (numbers[source], [numbers[target] for target in targets])
            for source, targets in catalog.depends.items()
        ],
    }
    getters = _Getters()
    text = json.dumps(
        content,
        default=lambda item: getters[type(item)](item),
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return text.encode()


def loads(text: str | bytes) -> Catalog:
    """Return the catalog that `dumps` wrote.

    Raises:
        ValueError: the text is cut off, or was written by a version with other classes.
        KeyError: the text is no catalog.
        TypeError: the same.

    """
    with paused():
        content = json.loads(text)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ValueError("not a catalog of this version")
        catalog = Catalog(
            content["server"],
            _objects(content["fields"], content["objects"]),
            _depends(content["addresses"], content["depends"]),
            tuple(content["unreadable"]),
            target=content.get("target"),
        )
        # Versions that did not write the target did not know what older majors pass on.
        return catalog if "target" in content else written_for(catalog, catalog.major)


def _objects(
    names: Mapping[str, list[str]], objects: Mapping[str, list[list[Any]]]
) -> dict[Address, Object]:
    classes = {kind.__name__: kind for kind in get_args(Object)}
    result: dict[Address, Object] = {}
    for name, rows in objects.items():
        kind = classes.get(name)
        if kind is None or list(_names(kind)) != names[name]:
            raise ValueError("a catalog of another version")
        read = _instance(kind)
        for row in rows:
            item = read(row)
            result[item.address] = item
    return result


def _depends(
    addresses: list[list[str]], edges: list[tuple[int, list[int]]]
) -> dict[Address, frozenset[Address]]:
    known = [Address(*values) for values in addresses]
    return {
        known[source]: frozenset(known[target] for target in targets) for source, targets in edges
    }


class _Getters(dict[type, Reader]):
    """What returns the values of an object's fields, by its class."""

    def __missing__(self, kind: type) -> Reader:
        getter = self[kind] = attrgetter(*_names(kind))
        return getter


def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _instance(kind: Any) -> Reader:
    """Return a function from the values of a dataclass' fields to an instance of it."""
    names = _names(kind)
    hints = get_type_hints(kind)
    readers = [(name, reader) for name in names if (reader := _reader(hints[name]))]

    def read(values: Sequence[Any]) -> Any:
        keywords = dict(zip(names, values, strict=True))
        for name, reader in readers:
            if keywords[name] is not None:
                keywords[name] = reader(keywords[name])
        return kind(**keywords)

    return read


def _reader(hint: Any) -> Reader | None:
    """Return a function from JSON to the value of a field; None where JSON is the value."""
    if hint is Address:
        return lambda values: Address(*values)
    if is_dataclass(hint):
        return _instance(hint)
    if get_origin(hint) is tuple:
        inner = _reader(get_args(hint)[0])
        return (lambda values: tuple(map(inner, values))) if inner else tuple
    return next((reader for part in get_args(hint) if (reader := _reader(part))), None)
