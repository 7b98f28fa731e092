"""Indexes that no constraint owns as arguments of sa.Index and op.create_index."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from limbeck.models.source.text import Argument, Source, keyword, literal, literals, text, unwrapped
from limbeck.schema.catalog.objects.indexes import Index, Key
from limbeck.schema.sql.quoting import quote

_OPTION = re.compile(r"(\w+)=([\w.]+)")


_NONE: Mapping[str, str] = MappingProxyType({})


def index(
    index: Index, near: Mapping[str, str] = _NONE, *, partitioned: bool = False
) -> tuple[Source, tuple[Argument, ...]] | None:
    """Return the list of an index's keys and its options; None where there is more to it.

    The keys are a Python list of column names and sa.text(...); the options are keyword
    arguments, the same for sa.Index and for op.create_index.

    Args:
        index: the index.
        near: shorter spellings of its expressions, as Catalog.near has them.
        partitioned: whether to ignore ONLY, as if its partitions got it by being created.

    """
    sayable = _sayable(index, partitioned=partitioned)
    if sayable is None:
        return None
    classed = _classed(sayable)
    keys = [
        Source(literal(key.column))
        if key.column is not None and key.column in classed
        else _key(_near(key, near))
        for key in sayable.keys
    ]
    imports = frozenset[str]().union(*(key.imports for key in keys))
    listed = ", ".join(key.text for key in keys)
    return Source(f"[{listed}]", imports), tuple(_options(sayable))


def index_is_sayable(index: Index, *, partitioned: bool = False) -> bool:
    """Return whether index() has all of an index; this is faster."""
    return _sayable(index, partitioned=partitioned) is not None


def redefined(index: Index, like: Index | None) -> Index:
    """Return an index with the definition that its parts give, after they have changed.

    Args:
        index: the index.
        like: one whose definition is taken if the parts give it; Postgres has put quotes there.

    """
    definition = _together(index)
    if like is not None and _bare(like.definition) == definition:
        definition = like.definition
    return replace(index, definition=definition)


def _sayable(index: Index, *, partitioned: bool = False) -> Index | None:
    """Return the index without collations that its definition omits; None where there is more."""
    if not _plain(index):
        return None
    definition = _bare(index.definition)
    if partitioned:
        definition = definition.replace(" ON ONLY ", " ON ", 1)
    if _together(index) == definition:
        return index
    bare = _without_collations(index)
    return bare if _together(bare) == definition else None


def _without_collations(index: Index) -> Index:
    # An expression may have its collation from a column; then the definition does not name it.
    keys = (replace(key, collation=None) if key.expression else key for key in index.keys)
    return replace(index, keys=tuple(keys))


def _plain(index: Index) -> bool:
    marked = index.clustered or index.replica_identity or index.statistics or index.parent
    return index.valid and not marked and all(map(_OPTION.fullmatch, index.options))


def _near(key: Key, near: Mapping[str, str]) -> Key:
    if key.expression is None or key.expression not in near:
        return key
    return replace(key, expression=near[key.expression])


def _key(key: Key) -> Source:
    if key.is_plain and key.column is not None:
        return Source(literal(key.column))
    return text(_words(key))


def _classed(index: Index) -> dict[str, str]:
    """Return the operator classes of columns that have nothing else, for postgresql_ops."""
    once = Counter(key.column for key in index.keys)
    return {
        key.column: key.opclass
        for key in index.keys
        if key.opclass
        and key.column is not None
        and once[key.column] == 1
        and replace(key, opclass=None).is_plain
    }


def _words(key: Key) -> str:
    name = quote(key.column) if key.column is not None else key.expression or ""
    words = [name]
    words += [f"COLLATE {key.collation}"] if key.collation else []
    words += [key.opclass] if key.opclass else []
    words += ["DESC"] if key.descending else []
    if key.nulls_first != key.descending:
        words.append("NULLS FIRST" if key.nulls_first else "NULLS LAST")
    return " ".join(words)


def _options(index: Index) -> Iterator[Argument]:
    if index.method != "btree":
        yield keyword("postgresql_using", literal(index.method))
    if classed := _classed(index):
        classes = (f"{literal(name)}: {literal(class_)}" for name, class_ in classed.items())
        yield f"postgresql_ops={{{', '.join(classes)}}}"
    if index.include:
        yield keyword("postgresql_include", literals(index.include))
    if index.nulls_not_distinct:
        yield "postgresql_nulls_not_distinct=True"
    if index.options:
        pairs = (option.split("=", 1) for option in index.options)
        values = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in pairs)
        yield f"postgresql_with={{{values}}}"
    if index.where is not None:
        yield keyword("postgresql_where", text(unwrapped(index.where)))


def _together(index: Index) -> str:
    """Return the definition as pg_get_indexdef puts it together, for _bare to compare."""
    unique = "UNIQUE " if index.unique else ""
    keys = ", ".join(_words(key) for key in index.keys)
    table = f"{index.table.schema}.{index.table.name}"
    text_ = f"CREATE {unique}INDEX {index.name} ON {table} USING {index.method} ({keys})"
    text_ += f" INCLUDE ({', '.join(index.include)})" if index.include else ""
    text_ += " NULLS NOT DISTINCT" if index.nulls_not_distinct else ""
    text_ += f" WITH ({', '.join(index.options)})" if index.options else ""
    text_ += f" WHERE {index.where}" if index.where is not None else ""
    return _bare(text_)


def _bare(definition: str) -> str:
    return definition.replace('"', "").replace("='", "=").replace("')", ")").replace("',", ",")
