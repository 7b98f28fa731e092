"""Authors of books."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base

if TYPE_CHECKING:
    from app.models.books import Book


class Author(Base):
    """An author, with any number of books."""

    __tablename__ = "authors"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    bio: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    books: Mapped[list[Book]] = relationship(back_populates="author")
