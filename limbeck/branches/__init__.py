"""Database branches: their protocol, and the providers on this machine and at Neon."""

from __future__ import annotations
