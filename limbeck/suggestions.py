"""What a misspelled name was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def meant(name: str, known: Iterable[str]) -> str:
    """Return "Did you mean X? ", or nothing where no known name is like it.

    A known name that begins with it comes first: people shorten names more often than they
    misspell them.
    """
    names = list(known)
    longer = [each for each in names if name and each.startswith(name)]
    near = [*longer, *difflib.get_close_matches(name, names, n=1)]
    return f"Did you mean {near[0]}? " if near else ""
