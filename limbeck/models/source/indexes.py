"""Indexes that no constraint owns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from limbeck.models.source.text import Argument, Source, keyword, literal, literals, text, unwrapped
from limbeck.schema.catalog.names import quote
from limbeck.schema.catalog.objects.indexes import Index, Key

_OPTION = re.compile(r"(\w+)=([\w.]+)")


_NONE: Mapping[str, str] = MappingProxyType({})


def index(
    found: Index, near: Mapping[str, str] = _NONE
) -> tuple[Source, tuple[Argument, ...]] | None:
    """Return the list of an index's keys and its options; None where they do not say it all.

    The keys are a Python list of column names and sa.text(...); the options are keyword
    arguments, the same for sa.Index and for op.create_index.

    Args:
        found: the index.
        near: other words for its expressions, as Catalog.near has them.

    """
    one = _sayable(found)
    if one is None:
        return None
    keys = [_key(_near(key, near)) for key in one.keys]
    imports = frozenset[str]().union(*(key.imports for key in keys))
    listed = ", ".join(key.text for key in keys)
    return Source(f"[{listed}]", imports), tuple(_options(one))


def index_is_sayable(found: Index) -> bool:
    """Say whether index() would say all of an index, which takes longer."""
    return _sayable(found) is not None


def _sayable(found: Index) -> Index | None:
    """Return the index, without collations that it does not name; None where more is to say."""
    if not _plain(found):
        return None
    definition = _bare(found.definition)
    if _together(found) == definition:
        return found
    bare = _without_collations(found)
    return bare if _together(bare) == definition else None


def _without_collations(found: Index) -> Index:
    # An expression may have its collation from a column; then the definition does not name it.
    keys = (replace(key, collation=None) if key.expression else key for key in found.keys)
    return replace(found, keys=tuple(keys))


def _plain(found: Index) -> bool:
    marked = found.clustered or found.replica_identity or found.statistics or found.parent
    return found.valid and not marked and all(map(_OPTION.fullmatch, found.options))


def _near(key: Key, near: Mapping[str, str]) -> Key:
    if key.expression is None or key.expression not in near:
        return key
    return replace(key, expression=near[key.expression])


def _key(key: Key) -> Source:
    if key.is_plain and key.column is not None:
        return Source(literal(key.column))
    return text(_words(key))


def _words(key: Key) -> str:
    name = quote(key.column) if key.column is not None else key.expression or ""
    words = [name]
    words += [f"COLLATE {key.collation}"] if key.collation else []
    words += [key.opclass] if key.opclass else []
    words += ["DESC"] if key.descending else []
    if key.nulls_first != key.descending:
        words.append("NULLS FIRST" if key.nulls_first else "NULLS LAST")
    return " ".join(words)


def _options(found: Index) -> Iterator[Argument]:
    if found.method != "btree":
        yield keyword("postgresql_using", literal(found.method))
    if found.include:
        yield keyword("postgresql_include", literals(found.include))
    if found.nulls_not_distinct:
        yield "postgresql_nulls_not_distinct=True"
    if found.options:
        pairs = (option.split("=", 1) for option in found.options)
        values = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in pairs)
        yield f"postgresql_with={{{values}}}"
    if found.where is not None:
        yield keyword("postgresql_where", text(unwrapped(found.where)))


def _together(found: Index) -> str:
    """Put the definition together as pg_get_indexdef does, for _bare to compare."""
    unique = "UNIQUE " if found.unique else ""
    keys = ", ".join(_words(key) for key in found.keys)
    table = f"{found.table.schema}.{found.table.name}"
    text_ = f"CREATE {unique}INDEX {found.name} ON {table} USING {found.method} ({keys})"
    text_ += f" INCLUDE ({', '.join(found.include)})" if found.include else ""
    text_ += " NULLS NOT DISTINCT" if found.nulls_not_distinct else ""
    text_ += f" WITH ({', '.join(found.options)})" if found.options else ""
    text_ += f" WHERE {found.where}" if found.where is not None else ""
    return _bare(text_)


def _bare(definition: str) -> str:
    return definition.replace('"', "").replace("='", "=").replace("')", ")").replace("',", ",")
