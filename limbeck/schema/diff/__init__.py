"""The ordered steps from one catalog to another."""

from __future__ import annotations
