"""In which order databases are migrated: canaries first, then waves that grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from limbeck.errors import ConfigurationError
from limbeck.fleet.selection import Member
from limbeck.plurals import counted, listed

ALL: Final = "all"
_HINT: Final = "Write sizes with commas, such as --waves 1,10,25%,all."


def waves(
    members: Sequence[Member], canaries: str | None, sizes: str
) -> tuple[tuple[Member, ...], ...]:
    """Return the waves; canaries are one before all others.

    Args:
        members: The databases that need it, in the order of their source.
        canaries: Names with commas, or a number of databases; None for none.
        sizes: Sizes of the waves with commas: a number, a percentage of all, or "all". What they
            leave over is a last wave.

    Raises:
        ConfigurationError: A size is none.

    """
    first = _canaries(members, canaries)
    left = [member for member in members if member not in first]
    parts = [first] if first else []
    for size in _sizes(sizes, len(members)):
        count = len(left) if size is None else size
        if left:
            parts.append(tuple(left[:count]))
        left = left[count:]
    return (*parts, tuple(left)) if left else tuple(parts)


def _canaries(members: Sequence[Member], canaries: str | None) -> tuple[Member, ...]:
    if not canaries:
        return ()
    if canaries.isdecimal():
        return tuple(members[: int(canaries)])
    # A canary that is at the head already is not among them.
    names = _names(canaries)
    return tuple(member for name in names for member in members if member.name == name)


def refuse_unknown(canaries: str | None, members: Sequence[Member]) -> None:
    """Raise a ConfigurationError where a canary is none of the databases."""
    if not canaries or canaries.isdecimal():
        return
    known = {member.name: member for member in members}
    unknown = [name for name in _names(canaries) if name not in known]
    if unknown:
        raise ConfigurationError(
            f"no database of the fleet is called {listed(unknown)} (--canaries)",
            hint=f"It has {counted(len(known), 'database')}: {listed([*known], 5)}.",
        )


def _names(canaries: str) -> list[str]:
    return [name for name in map(str.strip, canaries.split(",")) if name]


def check(sizes: str) -> None:
    """Raise a ConfigurationError where a text has no sizes of waves."""
    list(_sizes(sizes, 0))


def _sizes(text: str, total: int) -> list[int | None]:
    sizes: list[int | None] = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        number = part.removesuffix("%")
        if part == ALL:
            sizes.append(None)
        elif not number.isdecimal() or not int(number):
            raise ConfigurationError(f"--waves: {part} is no size of a wave", hint=_HINT)
        else:
            share = max(1, total * int(number) // 100)
            sizes.append(share if part.endswith("%") else int(number))
    return sizes
