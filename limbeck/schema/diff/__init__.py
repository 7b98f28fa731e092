"""The ordered steps that lead from one catalog to another."""

from __future__ import annotations
