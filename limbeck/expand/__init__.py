"""A breaking change in two revisions, between which the old and the new application both run."""

from __future__ import annotations

from limbeck.expand.choosing import Change, Choice, choose
from limbeck.expand.composing import Phased, Way, compose
from limbeck.expand.recipe import Recipe

__all__ = ["Change", "Choice", "Phased", "Recipe", "Way", "choose", "compose"]
