"""The text of a revision: steps as plain op.* calls and SQL that run without limbeck."""

from __future__ import annotations
