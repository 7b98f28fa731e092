"""The values that a catalog holds: one frozen class for each kind of object."""

from __future__ import annotations
