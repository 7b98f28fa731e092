"""Values turned into what is printed: an output format is a file here."""

from __future__ import annotations
