"""Databases for the tests of a project, and the fixtures that provide them to pytest."""

from __future__ import annotations
