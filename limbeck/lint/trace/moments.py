"""Mappings that change over time: each moment is a mapping of its own, and shares what is equal.

The facts of a trace are of this kind: a statement changes a few of thousands of rows, and the rules
look at the catalog before and after each statement once all of them have run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from typing import Generic, TypeVar

from limbeck.dataclass import dataclass

K = TypeVar("K")
V = TypeVar("V")
Pairs = dict[K, tuple[V | None, V | None]]
"""Keys with their values before and after, None where there is none."""


def _no_group(_: object) -> int:
    return 0


@dataclass(slots=True)
class Log(Generic[K, V]):
    """The values that each key has had, with the version since which it has them.

    `group` returns what the keys of a value are looked up by, such as its table.
    """

    group: Callable[[V], int] = _no_group
    values: dict[K, list[tuple[int, V | None]]] = field(default_factory=dict)
    changes: list[tuple[K, ...]] = field(default_factory=list)
    groups: defaultdict[int, set[K]] = field(default_factory=lambda: defaultdict(set))

    def append(self, changes: Mapping[K, V | None]) -> None:
        """Add a version, with the new values of some keys; None removes a key."""
        version = len(self.changes)
        self.changes.append(tuple(changes))
        for key, value in changes.items():
            self.values.setdefault(key, []).append((version, value))
            if value is not None:
                self.groups[self.group(value)].add(key)


class Moment(Mapping[K, V]):
    """The values of a log at one version."""

    __slots__ = ("_log", "_version")

    def __init__(self, log: Log[K, V], version: int) -> None:
        self._log, self._version = log, version

    @classmethod
    def first(cls, values: Mapping[K, V], group: Callable[[V], int] = _no_group) -> Moment[K, V]:
        """Return the first moment of a new log."""
        log = Log[K, V](group)
        log.append(values)
        return cls(log, 0)

    def __getitem__(self, key: K) -> V:
        """Return the value of a key at this moment."""
        for version, value in reversed(self._log.values[key]):
            if version <= self._version:
                if value is None:
                    break
                return value
        raise KeyError(key)

    def __iter__(self) -> Iterator[K]:
        """Yield the keys of this moment; a rule asks for the difference instead."""
        return (key for key in self._log.values if key in self)

    def __len__(self) -> int:
        """Return the number of keys."""
        return sum(1 for _ in self)

    def group(self, number: int) -> list[K]:
        """Return the keys whose value belongs to a group, such as the columns of a table."""
        log = self._log
        keys = log.groups.get(number, ())
        return [key for key in keys if (now := self.get(key)) and log.group(now) == number]

    def since(self, before: Moment[K, V]) -> Pairs[K, V]:
        """Return the keys whose value differs from an earlier moment of the same log, sorted."""
        if before is self:
            return {}
        versions = self._log.changes[before._version + 1 : self._version + 1]
        pairs = {key: (before.get(key), self.get(key)) for keys in versions for key in keys}
        return {key: pairs[key] for key in sorted(pairs) if pairs[key][0] != pairs[key][1]}  # type: ignore[type-var]

    def then(self, changes: Mapping[K, V | None]) -> Moment[K, V]:
        """Return the next moment, at which some keys have other values; None removes a key.

        Of a log only the last moment has a next one.
        """
        different = {key: value for key, value in changes.items() if self.get(key) != value}
        if not different:
            return self
        log = self._log
        if len(log.changes) != self._version + 1:
            raise ValueError("this moment is followed by another one")
        log.append(different)
        return Moment(log, self._version + 1)

    def replaced(self, values: Mapping[K, V], keys: Iterable[K] | None = None) -> Moment[K, V]:
        """Return the next moment, at which some keys, by default all, have only these values."""
        gone = dict.fromkeys((self if keys is None else keys), None)
        return self.then({**gone, **values})
