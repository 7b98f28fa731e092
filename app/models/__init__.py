"""The tables, one module each; whoever imports this package has them all on Base.metadata."""

from __future__ import annotations

from app.models.authors import Author
from app.models.base import Base
from app.models.books import Book

__all__ = ["Author", "Base", "Book"]
