"""Books, each by an author."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.authors import Author
from app.models.base import Base


class Book(Base):
    """A book; the author may be unknown."""

    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("authors.id"))
    published_year: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    author: Mapped[Author | None] = relationship(back_populates="books")
