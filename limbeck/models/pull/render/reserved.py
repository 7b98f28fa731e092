"""Names that no attribute of a mapped class may have."""

from __future__ import annotations

import warnings

from limbeck.errors import ConfigurationError

# What a class body or its bases mean something by.
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
    """Return what a class of SQLModel has already.

    Raises:
        ConfigurationError: SQLModel is not installed.

    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import sqlmodel  # noqa: PLC0415 - slow, and only there for who chooses it
    except ImportError:
        raise ConfigurationError(
            "the style sqlmodel needs the package sqlmodel, which is not installed",
            hint="pip install sqlmodel",
        ) from None
    # dir() leaves out what the metaclass hides, such as what pydantic has deprecated.
    every = (name for base in sqlmodel.SQLModel.__mro__ for name in vars(base))
    return frozenset({*every, "Field", "Relationship", "SQLModel", "Optional"})
