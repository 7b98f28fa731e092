"""The Catalog: everything that one database holds, as Postgres itself spells it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

from limbeck.dataclass import dataclass
from limbeck.errors import DatabaseError
from limbeck.schema.catalog.deferred import Deferred, digest
from limbeck.schema.catalog.objects.address import Address

if TYPE_CHECKING:
    from limbeck.schema.catalog.objects.object import Object

Kind = TypeVar("Kind", bound="Object")


@dataclass(frozen=True, slots=True)
class Change:
    """One object that differs: `before` is None if it is new, `after` is None if it is gone."""

    address: Address
    before: Object | None
    after: Object | None


@dataclass(frozen=True, slots=True)
class Catalog:
    """The objects of one database and what each of them depends on.

    `server` is server_version_num, e.g. 180006. `depends` has the edges of pg_depend between
    these objects; a view depends on what its rule uses, and the default or generation expression
    of a column stands under Address("default", schema, table, column).
    `unreadable` names the questions that the role may not ask. `near`, if it was asked for, maps
    defaults and keys of indexes to their spelling with public on the search_path. `target` is the
    lowest major that SQL is written for, if it is not that of the server: see `lowest`.
    `derived` has what was computed from the whole catalog, by name, so that it is computed once.
    """

    server: int
    objects: Mapping[Address, Object]
    depends: Mapping[Address, frozenset[Address]] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()
    near: Mapping[str, str] = field(default_factory=dict, compare=False)
    target: int | None = None
    derived: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)
    _kinds: dict[type, list[Any]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    _sorted: dict[type, tuple[Any, ...]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @property
    def major(self) -> int:
        """The server's major version, such as 18."""
        return self.server // 10000

    @property
    def lowest_major(self) -> int:
        """The lowest major that must accept the SQL which is written from this catalog."""
        return self.target or self.major

    def of(self, kind: type[Kind]) -> Iterator[Kind]:
        """Yield the objects of one class, in the order of their addresses."""
        if kind not in self._sorted:
            self._sorted[kind] = tuple(sorted(self.every(kind), key=attrgetter("address")))
        return iter(self._sorted[kind])

    def every(self, kind: type[Kind]) -> Iterator[Kind]:
        """Yield the objects of one class, in no particular order."""
        if isinstance(self.objects, Deferred):
            return iter(self.objects.every(kind))
        if not self._kinds:
            for item in self.objects.values():
                self._kinds.setdefault(type(item), []).append(item)
        return iter(self._kinds.get(kind, ()))

    def changes_to(self, other: Catalog) -> tuple[Change, ...]:
        """Return what differs, by address; the order of columns is no difference.

        Raises:
            DatabaseError: the majors of the servers differ; they spell definitions differently.

        """
        if self.major != other.major:
            raise DatabaseError(
                f"a catalog of Postgres {self.major} cannot be compared with one of "
                f"Postgres {other.major}",
                hint="Compare each with a schema that limbeck makes on a server of its major, such "
                "as limbeck diff head NAME.",
            )
        pairs = ((at, self.objects.get(at), other.objects.get(at)) for at in self._differing(other))
        # Where one catalog was derived from the other, most objects are identical: `is` is faster.
        changed = (
            Change(address, before, after)
            for address, before, after in pairs
            if before is not after and before != after
        )
        return tuple(sorted(changed, key=attrgetter("address")))

    def _differing(self, other: Catalog) -> Collection[Address]:
        """Return the addresses at which two catalogs may differ."""
        if isinstance(self.objects, Deferred) and isinstance(other.objects, Deferred):
            return self.objects.differing(other.objects)
        return self.objects.keys() | other.objects.keys()

    def fingerprint(self) -> str:
        """Return a hash of everything that is compared; equal catalogs have equal fingerprints."""
        if "fingerprint" not in self.derived:
            items = self.objects
            whole = items.digest() if isinstance(items, Deferred) else digest(items.values())
            self.derived["fingerprint"] = f"{self.major:x}{whole:064x}"
        return str(self.derived["fingerprint"])

    def take_fingerprint(self, equal: Catalog) -> None:
        """Take the fingerprint of an equal catalog, which is then computed once for both."""
        self.derived["fingerprint"] = equal.fingerprint()
