"""Renames: what is the same object under another name; asked for, answered, carried out."""

from __future__ import annotations

from limbeck.renames.likeness import Proposal, propose
from limbeck.renames.move import moved, names_of
from limbeck.renames.parse import UnknownNameError, answers, parse, split, unquote
from limbeck.renames.rename import Rename
from limbeck.renames.respell import respelled
from limbeck.renames.tokens import Names, alike

__all__ = [
    "Names",
    "Proposal",
    "Rename",
    "UnknownNameError",
    "alike",
    "answers",
    "moved",
    "names_of",
    "parse",
    "propose",
    "respelled",
    "split",
    "unquote",
]
