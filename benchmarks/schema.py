"""A schema of any size, as models and as SQL: 8 columns, a foreign key and 2 indexes a table."""

from __future__ import annotations

from pathlib import Path

BASE = '''"""The models' base."""

from __future__ import annotations

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
        }
    )
'''

TABLE = '''

class Item{n}(Base):
    """Table {n}."""

    __tablename__ = "item_{n}"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    note: Mapped[str | None] = mapped_column(Text)
    price: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    made_at: Mapped[datetime] = mapped_column(server_default=text("now()"), index=True)
    amount: Mapped[int | None]
    before_id: Mapped[int | None] = mapped_column(ForeignKey("item_{before}.id"))
'''

HEAD = '''"""{tables} tables."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Numeric, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base
'''


def write_models(root: Path, tables: int, *, extra: str = "") -> None:
    """Write app/models with `tables` tables below `root`; `extra` is a line for the last one."""
    folder = root / "app" / "models"
    folder.mkdir(parents=True, exist_ok=True)
    (root / "app" / "__init__.py").write_text("")
    (folder / "base.py").write_text(BASE)
    body = "".join(TABLE.format(n=n, before=max(n - 1, 0)) for n in range(tables))
    (folder / "items.py").write_text(HEAD.format(tables=tables) + body + extra)
    (folder / "__init__.py").write_text(
        "from app.models import items\nfrom app.models.base import Base\n\n"
        '__all__ = ["Base", "items"]\n'
    )
