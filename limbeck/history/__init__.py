"""Revision files: their order, their content, and how a new one is written. No connection."""

from __future__ import annotations
