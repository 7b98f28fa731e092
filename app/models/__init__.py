"""The models, one module per table; importing the package puts all tables on Base.metadata."""

from __future__ import annotations

from app.models.authors import Author
from app.models.base import Base
from app.models.books import Book

__all__ = ["Author", "Base", "Book"]
