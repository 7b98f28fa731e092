"""Recipes that split one breaking change into an expand and a contract revision, one a module."""

from __future__ import annotations
