"""The base class of the models, with the names of constraints and the default types."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import MetaData, Text
from sqlalchemy.orm import DeclarativeBase

# A constraint without a name cannot be dropped by a later revision. These are the names that
# Postgres itself would give, so that tables made by hand and by revisions are called the same.
NAMING_CONVENTION = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}


class Base(DeclarativeBase):
    """The class that every table's class inherits from."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING_CONVENTION)
    # Postgres stores text and varchar alike; text is the name its own documentation prefers.
    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text}
