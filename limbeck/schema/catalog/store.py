"""A Catalog as JSON and back, for the cache on disk."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.collector import paused
from limbeck.schema.catalog.lowest import written_for
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.object import Object
from limbeck.schema.catalog.part import About, Link, Part
from limbeck.schema.catalog.parted import Parted
from limbeck.schema.catalog.values import classes_of, instance, names_of, text_of

FORMAT: Final = 2
"""Raise it when the meaning of a field in objects/ changes; new fields are noticed anyway."""
PARTED: Final = 3
"""The format of a catalog in parts, which begins with a line about all of them."""


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
        "fields": {
            name: names_of(type(items[0]))  # type: ignore[arg-type]  # a class is hashable
            for name, items in objects.items()
        },
        "objects": objects,
        "addresses": list(numbers),
        "depends": [
            (numbers[source], [numbers[target] for target in targets])
            for source, targets in catalog.depends.items()
        ],
    }
    return text_of(content).encode()


def loads(text: str | bytes) -> Catalog:
    """Return the catalog that `dumps` wrote.

    Raises:
        ValueError: the text is cut off, or was written by a version with other classes.
        KeyError: the text is no catalog.
        TypeError: the same.

    """
    text = text.encode() if isinstance(text, str) else text
    if b"\n" in text:
        return _parted(*_divided(text))
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


def parted(catalog: Catalog) -> Iterator[bytes | memoryview]:
    """Yield the text of a catalog in parts, from which `loads` makes an equal one.

    The texts of parts that were read, and have not changed, are written as they are.
    """
    objects = Parted.of(catalog)
    numbers = {relation: number for number, relation in enumerate(objects.parts)}
    checksum = 0
    for part in objects.parts.values():
        checksum = zlib.crc32(part.text, checksum)
    content = {
        "format": PARTED,
        "checksum": checksum,
        "server": catalog.server,
        "target": catalog.target,
        "unreadable": catalog.unreadable,
        "fields": {kind.__name__: names_of(kind) for kind in get_args(Object)},
        "parts": [
            (
                *relation,
                len(part.text),
                f"{part.about.digest:x}",
                part.about.is_table,
                part.about.names,
                [(numbers.get(at, at), last) for at, last in part.about.links],
                [numbers[at] for at in part.about.parents if at in numbers],
            )
            for relation, part in objects.parts.items()
        ],
    }
    yield text_of(content).encode() + b"\n"
    for part in objects.parts.values():
        yield part.text


def _divided(text: bytes) -> tuple[dict[str, Any], memoryview]:
    """Return the first line of a text, and the rest, which is not copied."""
    end = text.index(b"\n")
    content = json.loads(text[:end])
    if not isinstance(content, dict):
        raise TypeError("not a catalog")
    return content, memoryview(text)[end + 1 :]


def _parted(content: dict[str, Any], rest: memoryview) -> Catalog:
    if content.get("format") != PARTED:
        raise ValueError("not a catalog of this version")
    classes_of(content["fields"])
    rows = content["parts"]
    # Most parts are not read before much else is done with the catalog.
    if zlib.crc32(rest) != content["checksum"]:
        raise ValueError("the text is damaged")
    relations = [(schema, name) for schema, name, *_ in rows]
    parts, start = {}, 0
    with paused():
        for relation, row in zip(relations, rows, strict=True):
            length, number, is_table, names, links, parents = row[2:]
            about = About(
                int(number, 16),
                is_table,
                tuple(Address(*name) for name in names),
                tuple(
                    Link(relations[at] if isinstance(at, int) else (at[0], at[1]), last)
                    for at, last in links
                ),
                tuple(relations[at] for at in parents),
            )
            parts[relation] = Part(about, rest[start : start + length])
            start += length
    objects = Parted(parts)
    return Catalog(
        content["server"],
        objects,
        objects.depends(),
        tuple(content["unreadable"]),
        target=content["target"],
    )


def _objects(
    names: Mapping[str, list[str]], objects: Mapping[str, list[list[Any]]]
) -> dict[Address, Object]:
    classes = classes_of(names)
    result: dict[Address, Object] = {}
    for name, rows in objects.items():
        read = instance(classes[name])
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
