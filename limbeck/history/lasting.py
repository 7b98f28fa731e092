"""Heads that are not to be merged: each has a branch label or a folder of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain

from limbeck.history.revisions import Revision


def names(
    heads: Sequence[Revision], by_id: Mapping[str, Revision], *, several_folders: bool
) -> tuple[str, ...]:
    """Return the names of heads that stay, in their order; () if they are to be merged.

    Args:
        heads: the heads of a history, two or more.
        by_id: all its revisions.
        several_folders: whether it has revisions in several folders.

    """
    labels = [_labels(head, by_id) for head in heads]
    shared = {each for each, times in Counter(chain.from_iterable(labels)).items() if times > 1}
    branches = tuple(min(own - shared, default="") for own in labels)
    if not all(branches) and several_folders:
        branches = _folders(heads)
    return branches if all(branches) and len(set(branches)) == len(branches) else ()


def _folders(heads: Sequence[Revision]) -> tuple[str, ...]:
    """Return the names of their folders; of two "versions" with the folders above them."""
    names_ = [head.path.parent.name for head in heads]
    if len(set(names_)) < len(names_):
        names_ = [f"{head.path.parent.parent.name}/{head.path.parent.name}" for head in heads]
    return tuple(names_)


def _labels(head: Revision, by_id: Mapping[str, Revision]) -> set[str]:
    """Return the branch labels of a revision and of those that it follows, not `depends_on`."""
    open_, seen = [head.id], set[str]()
    while open_:
        if (id_ := open_.pop()) not in seen:
            seen.add(id_)
            open_ += by_id[id_].down
    return {label for id_ in seen for label in by_id[id_].labels}
