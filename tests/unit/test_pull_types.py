"""Types of extensions, spelled with the packages that keep them; PostGIS is not needed for it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import geoalchemy2
import pgvector.sqlalchemy
import pytest

from limbeck.models.pull.render import packaged
from limbeck.models.pull.render.annotations import python
from limbeck.schema.catalog.catalog import Catalog

if TYPE_CHECKING:
    from sqlalchemy.types import TypeEngine

TYPES = {
    "public.vector(3)": ("VECTOR(3)", "list[float]", "VECTOR(3)"),
    "public.vector": ("VECTOR()", "list[float]", "VECTOR"),
    "public.halfvec(8)": ("HALFVEC(8)", "list[float]", "HALFVEC(8)"),
    "public.sparsevec(9)": ("SPARSEVEC(9)", "SparseVector", "SPARSEVEC(9)"),
    "public.geometry": (
        "Geometry(geometry_type=None, spatial_index=False)",
        "WKBElement",
        "geometry",
    ),
    "public.geometry(Point)": (
        'Geometry(geometry_type="POINT", srid=0, spatial_index=False)',
        "WKBElement",
        "geometry(POINT,0)",
    ),
    "public.geometry(PointZM,4326)": (
        'Geometry(geometry_type="POINTZM", srid=4326, spatial_index=False)',
        "WKBElement",
        "geometry(POINTZM,4326)",
    ),
    "public.geography(MultiPolygon,4326)": (
        'Geography(geometry_type="MULTIPOLYGON", srid=4326, spatial_index=False)',
        "WKBElement",
        "geography(MULTIPOLYGON,4326)",
    ),
    "public.raster": ("Raster(spatial_index=False)", "RasterElement", "raster"),
}


@pytest.mark.parametrize(("spelled", "expected"), TYPES.items(), ids=TYPES)
def test_types_of_extensions_come_from_their_packages(
    spelled: str, expected: tuple[str, str, str]
) -> None:
    found = packaged.packaged(spelled)
    assert found is not None
    type_, value = found
    assert (type_.text, value.text) == expected[:2]
    made: TypeEngine[object] = eval(  # noqa: S307 - the source under test
        type_.text, {**vars(geoalchemy2), **vars(pgvector.sqlalchemy)}
    )
    assert made.compile() == expected[2]
    for line in type_.imports | value.imports:
        exec(line)  # noqa: S102 - the imports under test


@pytest.mark.parametrize(
    "spelled", ["public.vector(3)", "public.geometry(Point,4326)", "public.raster"]
)
def test_without_its_package_a_type_is_limbecks_own(
    spelled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaged, "find_spec", lambda _: None)
    assert packaged.packaged(spelled) is None
    assert python(spelled, Catalog(180000, {})).text == "str"


@pytest.mark.parametrize("spelled", ["other.vector(3)", "vector", "public.vectors", "integer"])
def test_other_types_are_no_packages(spelled: str) -> None:
    assert find_spec("pgvector") is not None
    assert packaged.packaged(spelled) is None
