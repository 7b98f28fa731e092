"""Names that no attribute of a pulled class may have."""

from __future__ import annotations

import warnings

from limbeck.errors import ConfigurationError

# Attributes of the base classes, and names that the body of a class uses.
RESERVED = frozenset(
    {
        *("metadata", "registry", "type_annotation_map"),
        *("sa", "postgresql", "dt", "Any", "Decimal", "UUID", "StrEnum"),
        *("Mapped", "mapped_column", "relationship", "Base", "DeclarativeBase", "Type", "NotNull"),
        *("Range", "MultiRange", "VECTOR", "HALFVEC", "SPARSEVEC", "SparseVector"),
        *("Geometry", "Geography", "Raster", "WKBElement", "RasterElement"),
    }
)


def of_sqlmodel() -> frozenset[str]:
    """Return the attributes of SQLModel, and names that the body of its classes uses.

    Raises:
        ConfigurationError: SQLModel is not installed.

    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import sqlmodel  # noqa: PLC0415 - slow, and an optional package
    except ImportError:
        raise ConfigurationError(
            "the style sqlmodel needs the package sqlmodel, which is not installed",
            hint="pip install sqlmodel",
        ) from None
    # Not dir(): it omits attributes that the metaclass hides, as deprecated ones of pydantic.
    every = (name for base in sqlmodel.SQLModel.__mro__ for name in vars(base))
    return frozenset({*every, "Field", "Relationship", "SQLModel", "Optional"})
