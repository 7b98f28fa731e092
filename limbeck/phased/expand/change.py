"""The change that is made in phases: both catalogs, the renames, and the values given for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.renames.rename import Rename


@dataclass(frozen=True, slots=True)
class Change:
    """The catalogs before and after a change.

    `values` has the expressions that give the values of columns (`--value`), which cannot be
    derived from the catalogs; `using` has those that compute a column's values of a new type, and
    `using_back` those of the downgrade.
    """

    before: Catalog
    after: Catalog
    renamed: Sequence[Rename] = ()
    values: Mapping[Address, str] = field(default_factory=dict)
    using: Mapping[Address, str] = field(default_factory=dict)
    using_back: Mapping[Address, str] = field(default_factory=dict)
