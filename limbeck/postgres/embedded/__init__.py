"""The embedded server: a Postgres below .limbeck/, started on demand and left running."""

from __future__ import annotations
