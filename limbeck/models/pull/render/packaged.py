"""Types of extensions from the packages pgvector and geoalchemy2, if those are installed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec

from limbeck.models.source.text import Source, call
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.columns import Column

_PGVECTOR = "from pgvector.sqlalchemy import"
_GEOALCHEMY = "from geoalchemy2 import"
# The extension's type: its class in pgvector, the annotation, the imports of that.
_VECTORS = {
    "vector": ("VECTOR", "list[float]", ()),
    "halfvec": ("HALFVEC", "list[float]", ()),
    "sparsevec": ("SPARSEVEC", "SparseVector", ("from pgvector import SparseVector",)),
}
_SHAPES = {"geometry": "Geometry", "geography": "Geography"}
# Only extensions in public: the packages write the bare name of the type.
_VECTOR = re.compile(r"public\.(vector|halfvec|sparsevec)(?:\((\d+)\))?")
_SHAPE = re.compile(r"public\.(geometry|geography)(?:\((\w+)(?:,(\d+))?\))?")


_PACKAGES = {
    "pgvector": _VECTOR,
    "geoalchemy2": re.compile(r"public\.(geometry|geography|raster).*"),
}


def missing(catalog: Catalog) -> Iterator[str]:
    """Yield a sentence for each package that has types of the catalog and is not installed."""
    types = {column.type.removesuffix("[]") for column in catalog.every(Column)}
    for package, pattern in _PACKAGES.items():
        if any(map(pattern.fullmatch, types)) and find_spec(package) is None:
            kinds = sorted({match[1] for type_ in types if (match := pattern.fullmatch(type_))})
            yield f"Values of {', '.join(kinds)} are strings: pip install {package}"


def packaged(spelled: str) -> tuple[Source, Source] | None:
    """Return the class of a type and its annotation, None where no installed package has it.

    Args:
        spelled: the type as format_type spells it, such as "public.vector(3)".

    """
    return _vector(spelled) or _shape(spelled) or _raster(spelled)


def _vector(spelled: str) -> tuple[Source, Source] | None:
    match = _VECTOR.fullmatch(spelled)
    if match is None or find_spec("pgvector") is None:
        return None
    name, length = match.groups()
    class_, value, imports = _VECTORS[name]
    given = [length] if length else []
    return call(class_, given, f"{_PGVECTOR} {class_}"), Source(value, frozenset(imports))


def _shape(spelled: str) -> tuple[Source, Source] | None:
    match = _SHAPE.fullmatch(spelled)
    if match is None or find_spec("geoalchemy2") is None:
        return None
    name, kind, reference = match.groups()
    class_ = _SHAPES[name]
    given = [f'geometry_type="{kind.upper()}"', f"srid={reference or 0}"] if kind else []
    given = given or ["geometry_type=None"]
    # Its index is declared by itself, like any other.
    return (
        call(class_, [*given, "spatial_index=False"], f"{_GEOALCHEMY} {class_}"),
        Source("WKBElement", frozenset({f"{_GEOALCHEMY} WKBElement"})),
    )


def _raster(spelled: str) -> tuple[Source, Source] | None:
    if spelled != "public.raster" or find_spec("geoalchemy2") is None:
        return None
    return (
        call("Raster", ["spatial_index=False"], f"{_GEOALCHEMY} Raster"),
        Source("RasterElement", frozenset({f"{_GEOALCHEMY} RasterElement"})),
    )
