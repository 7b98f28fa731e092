"""The proof that pulled models create the schema they were read from."""

from __future__ import annotations
