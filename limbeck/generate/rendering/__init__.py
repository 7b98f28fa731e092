"""Render steps as the text of a revision: plain op.* calls and SQL that run without limbeck."""

from __future__ import annotations
