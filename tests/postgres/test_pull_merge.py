"""Merging into working models: what is equal stays, what changed is changed in place.

Each case is a module as somebody wrote it, the SQL that its database went on by, and lines that
have to be in it afterwards. Most of them are modules of one package and are merged together;
where a case is about the base or the files, it is a package of its own. For each package holds:
the result imports and makes exactly the live schema (with what is only in the models), and a
second merge changes nothing.
"""

from __future__ import annotations

import importlib
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from sqlalchemy.orm import clear_mappers

from limbeck import pull
from limbeck.errors import ModelsError
from limbeck.postgres.connect import connect
from limbeck.schema.catalog.read import read
from limbeck.schema.renames import parse
from limbeck.shadow.creation import created

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from limbeck.schema.catalog.catalog import Catalog

MakeDatabase: TypeAlias = "Callable[..., Database]"

BASE = """\
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass
"""


@dataclass(frozen=True)
class Case:
    """A module of the package `shop`, what is done to its database, what has to be there.

    With `files` it is the package's __init__, and all of them are looked through.
    """

    models: str
    sql: str
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    renames: tuple[str, ...] = ()


CASES = {
    "a longer string keeps everything else of its call, and the comment": Case(
        """
        from sqlalchemy import Index, String, UniqueConstraint, func
        from sqlalchemy.orm import Mapped, mapped_column

        from shop.base import Base


        class Book(Base):
            \"\"\"Something to sell.\"\"\"

            __tablename__ = "books"
            __table_args__ = (UniqueConstraint("name"), Index("by_name", "name"))  # both

            id: Mapped[int] = mapped_column(primary_key=True)
            # What customers see.
            name: Mapped[str] = mapped_column(String(20), info={"label": "Name"})  # short

            def shout(self) -> str:
                return self.name.upper()
        """,
        "ALTER TABLE books ALTER name TYPE varchar(40)",
        has=(
            'name: Mapped[str] = mapped_column(String(length=40), info={"label": "Name"})  # short',
            '__table_args__ = (UniqueConstraint("name"), Index("by_name", "name"))  # both',
            "# What customers see.",
            "def shout(self) -> str:",
        ),
        lacks=("import sqlalchemy as sa",),
    ),
    "NULL becomes possible and impossible, in both ways to write it": Case(
        """
        from typing import Optional

        import sqlalchemy as sa
        from sqlalchemy.orm import Mapped, mapped_column

        from shop.base import Base


        class Cup(Base):
            __tablename__ = "cups"

            id: Mapped[int] = mapped_column(primary_key=True)
            a: Mapped[str]
            b: Mapped[Optional[str]]
            c: Mapped["str | None"]
            d = mapped_column(sa.Text, nullable=False)
            e = sa.Column(sa.Text)
            f: Mapped[str] = mapped_column(nullable=True)
        """,
        """ALTER TABLE cups ALTER a DROP NOT NULL, ALTER b SET NOT NULL, ALTER c SET NOT NULL,
            ALTER d DROP NOT NULL, ALTER e SET NOT NULL, ALTER f SET NOT NULL""",
        has=(
            "    a: Mapped[Optional[str]]\n",
            "    b: Mapped[str]\n",
            '    c: Mapped["str"]\n',
            "    d = mapped_column(sa.Text)\n",
            "    e = sa.Column(sa.Text, nullable=False)\n",
            "    f: Mapped[str] = mapped_column(nullable=False)\n",
        ),
    ),
    "another type in Python, a default, a comment, for a column that was bare": Case(
        """
        from sqlalchemy.orm import Mapped, mapped_column

        from shop.base import Base


        class Lamp(Base):
            __tablename__ = "lamps"

            id: Mapped[int] = mapped_column(primary_key=True)
            price: Mapped[int]
            size: Mapped[int | None] = mapped_column(comment="in cm")
            made: Mapped[str] = mapped_column(server_default="x")
        """,
        """ALTER TABLE lamps ALTER price TYPE numeric(8, 2), ALTER price SET DEFAULT 0;
            ALTER TABLE lamps ALTER size TYPE bigint, ALTER made DROP DEFAULT;
            COMMENT ON COLUMN lamps.size IS 'in mm'""",
        has=(
            (
                "    price: Mapped[Decimal] = mapped_column(\n"
                '        sa.Numeric(precision=8, scale=2), server_default=sa.text("0")\n'
                "    )\n"
            ),
            '    size: Mapped[int | None] = mapped_column(sa.BigInteger(), comment="in mm")\n',
            "    made: Mapped[str] = mapped_column()\n",
            "from decimal import Decimal",
        ),
    ),
    "columns come where the database has them; others go": Case(
        """
        import sqlalchemy as sa
        from sqlalchemy.orm import Mapped, mapped_column

        from shop.base import Base


        class Boat(Base):
            __tablename__ = "boats"
            id: Mapped[int] = mapped_column(primary_key=True)
            old: Mapped[str]

            kept: Mapped[str]  # this stays

            @property
            def name(self) -> str:
                return self.kept
        """,
        """ALTER TABLE boats DROP old, ADD born date NOT NULL, ADD name text,
            ADD code varchar(3) UNIQUE""",
        has=(
            (
                "    kept: Mapped[str]  # this stays\n"
                "    born: Mapped[dt.date]\n"
                '    name_: Mapped[str | None] = mapped_column("name", sa.Text())\n'
            ),
        ),
        lacks=("old:",),
    ),
    "constraints and indexes, wherever they are said": Case(
        """
        from sqlalchemy import (
            CheckConstraint,
            ForeignKey,
            Index,
            UniqueConstraint,
        )
        from sqlalchemy.orm import Mapped, mapped_column

        from shop.base import Base


        class Smith(Base):
            __tablename__ = "smiths"

            id: Mapped[int] = mapped_column(primary_key=True)


        class Tool(Base):
            __tablename__ = "tools"
            __table_args__ = (
                UniqueConstraint("a", "b", name="ab"),  # together
                CheckConstraint("a > 0", name="positive"),
                Index("by_b", "b"),
                {"comment": "things", "info": {"x": 1}},
            )

            id: Mapped[int] = mapped_column(primary_key=True)
            a: Mapped[int] = mapped_column(index=True)
            b: Mapped[int] = mapped_column(unique=True)
            smith_id: Mapped[int] = mapped_column(ForeignKey("smiths.id"))


        Index("by_a_desc", Tool.a.desc())
        """,
        """DROP INDEX ix_tools_a, by_a_desc;
            ALTER TABLE tools DROP CONSTRAINT tools_b_key, DROP CONSTRAINT positive;
            ALTER TABLE tools ADD CONSTRAINT positive CHECK (a > 1), ADD CHECK (b > a);
            ALTER TABLE tools DROP CONSTRAINT tools_smith_id_fkey,
                ADD FOREIGN KEY (smith_id) REFERENCES smiths ON DELETE CASCADE;
            DROP INDEX by_b; CREATE INDEX by_b ON tools (b DESC) WHERE a > 5;
            COMMENT ON TABLE tools IS 'wares'""",
        has=(
            '        UniqueConstraint("a", "b", name="ab"),  # together\n',
            '        CheckConstraint("a > 1", name="positive"),\n',
            '{"comment": "wares", "info": {"x": 1}},',
            'ForeignKey("smiths.id", ondelete="CASCADE")',
            "    a: Mapped[int] = mapped_column()\n",
        ),
        lacks=("by_a_desc", "unique=True"),
    ),
    "table arguments where there were none, or only options": Case(
        """
        import sqlalchemy as sa
        from sqlalchemy.orm import Mapped, mapped_column

        from shop.base import Base


        class One(Base):
            __tablename__ = "ones"

            id: Mapped[int] = mapped_column(primary_key=True)
            a: Mapped[int]


        class Two(Base):
            __tablename__ = "twos"
            __table_args__ = {"comment": "two"}

            id: Mapped[int] = mapped_column(primary_key=True)
            a: Mapped[int]


        class Three(Base):
            __tablename__ = "threes"
            __table_args__ = (sa.UniqueConstraint("a"),)

            id: Mapped[int] = mapped_column(primary_key=True)
            a: Mapped[int]


        class Four(Base):
            __tablename__ = "fours"
            __table_args__ = (sa.UniqueConstraint("a"), sa.Index("by_a", "a"))

            id: Mapped[int] = mapped_column(primary_key=True)
            a: Mapped[int]
        """,
        """ALTER TABLE ones ADD CONSTRAINT p CHECK (a > 0); COMMENT ON TABLE ones IS 'one';
            ALTER TABLE twos ADD CONSTRAINT q CHECK (a > 0);
            ALTER TABLE threes DROP CONSTRAINT threes_a_key, ADD CONSTRAINT r CHECK (a > 0);
            ALTER TABLE fours ADD CONSTRAINT s CHECK (a > 0); DROP INDEX by_a""",
        has=(
            '    __table_args__ = (sa.CheckConstraint("a > 0", name="p"), {"comment": "one"})\n',
            '    __table_args__ = (sa.CheckConstraint("a > 0", name="q"), {"comment": "two"})\n',
            '    __table_args__ = (sa.CheckConstraint("a > 0", name="r"),)\n',
            '(sa.UniqueConstraint("a"), sa.CheckConstraint("a > 0", name="s"))\n',
        ),
    ),
    "a Table is changed in place": Case(
        """
        import sqlalchemy as sa

        from shop.base import Base

        coins = sa.Table(
            "coins",
            Base.metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("name", sa.String(20), nullable=False),  # short
            sa.Column("old", sa.Text),
            sa.UniqueConstraint("name"),
            comment="things",
        )
        """,
        """ALTER TABLE coins ALTER name TYPE varchar(40), ALTER name DROP NOT NULL, DROP old,
            ADD price integer DEFAULT 1 NOT NULL, ADD CHECK (price > 0),
            DROP CONSTRAINT coins_name_key; COMMENT ON TABLE coins IS 'wares'""",
        has=(
            '    sa.Column("name", sa.String(length=40)),  # short\n',
            'sa.Column("price", sa.Integer(), server_default=sa.text("1"), nullable=False)',
            '    sa.CheckConstraint("price > 0", name="coins_price_check"),\n',
            '    comment="wares",\n',
        ),
        lacks=("old", "UniqueConstraint"),
    ),
    "labels of enums: by name, by value, listed": Case(
        """
        import enum

        import sqlalchemy as sa
        from sqlalchemy.orm import Mapped, mapped_column

        from shop.base import Base


        class Color(enum.Enum):
            RED = "red"  # like fire
            BLUE = "blue"

            @property
            def warm(self) -> bool:
                return self is Color.RED


        class Size(enum.StrEnum):
            SMALL = "small"
            BIG = "big"


        class Shirt(Base):
            __tablename__ = "shirts"

            id: Mapped[int] = mapped_column(primary_key=True)
            color: Mapped[Color]
            size: Mapped[Size] = mapped_column(
                sa.Enum(Size, values_callable=lambda all_: [one.value for one in all_])
            )
            state: Mapped[str] = mapped_column(sa.Enum("new", "sold", name="state"))
        """,
        """ALTER TYPE color ADD VALUE 'GREEN' AFTER 'RED'; ALTER TYPE size ADD VALUE 'huge';
            ALTER TYPE state ADD VALUE 'lost' BEFORE 'sold'""",
        has=(
            '    RED = "red"  # like fire\n    GREEN = "green"\n    BLUE = "blue"\n',
            '    BIG = "big"\n    HUGE = "huge"\n',
            'sa.Enum("new", "lost", "sold", name="state")',
            "def warm(self) -> bool:",
        ),
    ),
    "entities are changed in place": Case(
        """
        from limbeck.entities import Function, View
        from sqlalchemy import select
        from sqlalchemy.orm import Mapped, mapped_column

        from shop.base import Base


        class Ticket(Base):
            __tablename__ = "tickets"

            id: Mapped[int] = mapped_column(primary_key=True)
            a: Mapped[int]


        # What can be sold.
        sold = View("sold", select(Ticket.id), metadata=Base.metadata)  # more to come
        double = Function(
            "double(x integer)",
            "CREATE OR REPLACE FUNCTION double(x integer) RETURNS integer LANGUAGE sql AS "
            "$$ SELECT x + x $$",
            metadata=Base.metadata,
        )
        """,
        """CREATE OR REPLACE VIEW sold AS SELECT id, a FROM tickets WHERE a > 0;
            CREATE OR REPLACE FUNCTION double(x integer) RETURNS integer LANGUAGE sql
                AS $$ SELECT x * 2 $$""",
        has=("# What can be sold.\nsold = View(", "# more to come", "x * 2", "double = Function("),
        lacks=("select(Ticket.id)", "x + x"),
    ),
    "relationships go with their foreign key, on both sides": Case(
        """
        from __future__ import annotations

        from sqlalchemy import ForeignKey
        from sqlalchemy.orm import Mapped, mapped_column, relationship

        from shop.base import Base


        class Firm(Base):
            __tablename__ = "firms"

            id: Mapped[int] = mapped_column(primary_key=True)
            watches: Mapped[list[Watch]] = relationship(
                back_populates="firm", foreign_keys="Watch.firm_id"
            )
            checked: Mapped[list[Watch]] = relationship(
                back_populates="checker", foreign_keys="Watch.checker_id"
            )


        class Watch(Base):
            __tablename__ = "watches"

            id: Mapped[int] = mapped_column(primary_key=True)
            firm_id: Mapped[int] = mapped_column(ForeignKey("firms.id"))
            checker_id: Mapped[int] = mapped_column(ForeignKey("firms.id"))
            firm: Mapped[Firm] = relationship(back_populates="watches", foreign_keys=[firm_id])
            checker: Mapped[Firm] = relationship(
                back_populates="checked", foreign_keys=[checker_id]
            )
        """,
        "ALTER TABLE watches DROP checker_id",
        has=(
            (
                "    firm: Mapped[Firm] = relationship("
                'back_populates="watches", foreign_keys=[firm_id])\n'
            ),
        ),
        lacks=("checker", "checked"),
    ),
    "a backref goes with its relationship": Case(
        """
        from sqlalchemy import ForeignKey
        from sqlalchemy.orm import Mapped, backref, mapped_column, relationship

        from shop.base import Base


        class Cobbler(Base):
            __tablename__ = "cobblers"

            id: Mapped[int] = mapped_column(primary_key=True)


        class Shoe(Base):
            __tablename__ = "shoes"

            id: Mapped[int] = mapped_column(primary_key=True)
            cobbler_id: Mapped[int] = mapped_column(ForeignKey("cobblers.id"))
            cobbler: Mapped["Cobbler"] = relationship(backref=backref("shoes"))
        """,
        "ALTER TABLE shoes DROP CONSTRAINT shoes_cobbler_id_fkey",
        has=("    cobbler_id: Mapped[int] = mapped_column()\n",),
        lacks=("backref(",),
    ),
    "a column that was renamed takes its relationship along": Case(
        """
        from __future__ import annotations

        from sqlalchemy import ForeignKey
        from sqlalchemy.orm import Mapped, mapped_column, relationship

        from shop.base import Base


        class Singer(Base):
            __tablename__ = "singers"

            id: Mapped[int] = mapped_column(primary_key=True)
            songs: Mapped[list[Song]] = relationship(back_populates="singer")


        class Song(Base):
            __tablename__ = "songs"

            id: Mapped[int] = mapped_column(primary_key=True)
            singer_id: Mapped[int] = mapped_column(ForeignKey("singers.id"))
            singer: Mapped[Singer] = relationship(back_populates="songs")
        """,
        "ALTER TABLE songs RENAME singer_id TO producer_id",
        has=("    producer_id: Mapped[int] = mapped_column(ForeignKey(", "producer: Mapped["),
        lacks=("singer_id:", "    singer:"),
    ),
    "a second foreign key to the same table makes both plain": Case(
        """
        from __future__ import annotations

        from sqlalchemy import ForeignKey
        from sqlalchemy.orm import Mapped, mapped_column, relationship

        from shop.base import Base


        class Crew(Base):
            __tablename__ = "crews"

            id: Mapped[int] = mapped_column(primary_key=True)
            films: Mapped[list[Film]] = relationship(back_populates="crew")


        class Film(Base):
            __tablename__ = "films"

            id: Mapped[int] = mapped_column(primary_key=True)
            crew_id: Mapped[int] = mapped_column(ForeignKey("crews.id"))
            crew: Mapped[Crew] = relationship(back_populates="films")
        """,
        "ALTER TABLE films ADD checker_id integer REFERENCES crews",
        has=(
            'relationship(back_populates="crew", foreign_keys="[Film.crew_id]")',
            'relationship(back_populates="films", foreign_keys=[crew_id])',
            "    checker: Mapped[Crew | None] = relationship(foreign_keys=[checker_id])\n",
        ),
    ),
    "a table that was renamed stays, and its relationships move": Case(
        """
        from __future__ import annotations

        from sqlalchemy import ForeignKey
        from sqlalchemy.orm import Mapped, mapped_column, relationship

        from shop.base import Base


        class Baker(Base):
            __tablename__ = "bakers"

            id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
            cakes: Mapped[list[Cake]] = relationship(back_populates="baker")


        class Cake(Base):
            __tablename__ = "cakes"

            id: Mapped[int] = mapped_column(primary_key=True)
            baker_id: Mapped[int] = mapped_column(ForeignKey("bakers.id"))
            baker: Mapped[Baker] = relationship(back_populates="cakes")
        """,
        """ALTER TABLE bakers RENAME TO producers;
            ALTER INDEX bakers_pkey RENAME TO producers_pkey;
            ALTER TABLE producers RENAME CONSTRAINT bakers_id_not_null TO producers_id_not_null""",
        has=("from shop.producers import Producer", "Mapped[Producer] = relationship("),
        gone=("table public.bakers",),
    ),
    "abstract bases, mixins, annotated types and type decorators stay": Case(
        """
        from typing import Annotated, Any

        import sqlalchemy as sa
        from sqlalchemy.orm import Mapped, declared_attr, mapped_column

        from shop.base import Base

        intpk = Annotated[int, mapped_column(primary_key=True)]
        str20 = Annotated[str, mapped_column(sa.String(20))]


        class Money(sa.types.TypeDecorator[Any]):
            impl = sa.Numeric
            cache_ok = True


        class Stamped:
            seen: Mapped[int]

            @declared_attr
            def noted(cls) -> Mapped[str | None]:
                return mapped_column(sa.Text)


        class Named(Base):
            __abstract__ = True

            id: Mapped[intpk]
            name: Mapped[str20]


        class Car(Stamped, Named):
            __tablename__ = "cars"

            code: Mapped[str20]
            label: Mapped[str20]
            price: Mapped[int] = mapped_column(Money(8, 2))
        """,
        """ALTER TABLE cars ALTER code TYPE varchar(40), ALTER label DROP NOT NULL,
            ALTER price DROP NOT NULL""",
        has=(
            "    code: Mapped[str20] = mapped_column(sa.String(length=40))\n",
            "    label: Mapped[str20 | None]\n",
            "    price: Mapped[int | None] = mapped_column(Money(8, 2))\n",
            "class Car(Stamped, Named):\n",
        ),
    ),
    "what a mixin declares, or a decorator means, is left to its author": Case(
        """
        from typing import Any

        import sqlalchemy as sa
        from sqlalchemy.orm import Mapped, mapped_column

        from shop.base import Base


        class Money(sa.types.TypeDecorator[Any]):
            impl = sa.Numeric
            cache_ok = True


        class Stamped:
            seen: Mapped[int]


        class Train(Stamped, Base):
            __tablename__ = "trains"

            id: Mapped[int] = mapped_column(primary_key=True)
            price: Mapped[int] = mapped_column(Money(8, 2))
        """,
        "ALTER TABLE trains ALTER seen TYPE bigint, ALTER price TYPE numeric(12, 2)",
        left=(
            "column public.trains.price: its type is the models' own; it has become numeric(12,2)",
            "column public.trains.seen: it differs, but is declared outside the class",
        ),
    ),
    "code that no formatter has seen is not formatted": Case(
        """
        import sqlalchemy, datetime
        from sqlalchemy.orm import Mapped,mapped_column
        from shop.base import Base
        class Chair( Base ):
          __tablename__='chairs'
          id:Mapped[int]=mapped_column( primary_key=True )
          a:Mapped[int]
          def f( self ): return {  'x':1  }
        class Other( Base ):
          __tablename__='others'
          id:Mapped[int]=mapped_column( primary_key=True )
        """,
        "ALTER TABLE chairs ADD born date, ADD price numeric(8, 2) NOT NULL",
        has=(
            "import sqlalchemy, datetime\nfrom sqlalchemy.orm import Mapped,mapped_column\n",
            "  id:Mapped[int]=mapped_column( primary_key=True )\n  a:Mapped[int]\n",
            "  def f( self ): return {  'x':1  }\n",
            "Mapped[datetime.date | None]",
            "sqlalchemy.Numeric(precision=8, scale=2)",
        ),
    ),
    "a partition that is mapped follows its parent": Case(
        """
        import sqlalchemy as sa
        from sqlalchemy.orm import Mapped, mapped_column

        from shop.base import Base


        class Event(Base):
            __tablename__ = "events"
            __table_args__ = {"postgresql_partition_by": "RANGE (id)"}

            id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


        class OldEvent(Base):
            __tablename__ = "old_events"

            id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


        sa.event.listen(
            Base.metadata,
            "after_create",
            sa.DDL("ALTER TABLE events ATTACH PARTITION old_events FOR VALUES FROM (0) TO (9)"),
        )
        """,
        "ALTER TABLE events ADD note text",
        has=("    note: Mapped[str | None] = mapped_column(sa.Text())\n",),
    ),
}

# Each has a base of its own, or is about where the files are.
ALONE = {
    "a convention of one's own names what is new": Case(
        """
        import sqlalchemy as sa
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


        class Base(DeclarativeBase):
            metadata = sa.MetaData(
                naming_convention={
                    "ix": "idx_%(table_name)s_%(column_0_N_name)s",
                    "ck": "ck_%(table_name)s_%(constraint_name)s",
                    "uq": "u_%(table_name)s_%(column_0_N_name)s",
                }
            )


        class Item(Base):
            __tablename__ = "items"

            id: Mapped[int] = mapped_column(primary_key=True)
            a: Mapped[int]
            b: Mapped[int] = mapped_column(sa.CheckConstraint("b > 0", name="plus"))
        """,
        """ALTER TABLE items ADD CONSTRAINT ck_items_small CHECK (a < 9),
            DROP CONSTRAINT ck_items_plus, ADD CONSTRAINT u_items_a UNIQUE (a);
            CREATE INDEX idx_items_b ON items (b)""",
        has=(
            'sa.CheckConstraint("a < 9", name="small")',
            "    a: Mapped[int] = mapped_column(unique=True)\n",
            "    b: Mapped[int] = mapped_column(index=True)\n",
        ),
    ),
    "dataclasses get dataclasses": Case(
        """
        from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column


        class Base(MappedAsDataclass, DeclarativeBase):
            pass


        class Item(Base, kw_only=True):
            __tablename__ = "items"

            id: Mapped[int] = mapped_column(primary_key=True, init=False)
            a: Mapped[int] = mapped_column(default=3)
        """,
        """ALTER TABLE items ALTER a SET DEFAULT 4, ADD b text;
            CREATE TABLE parts (id serial PRIMARY KEY,
                item_id integer NOT NULL REFERENCES items)""",
        has=(
            'mapped_column(default=3, server_default=sa.text("4"))',
            "    b: Mapped[str | None] = mapped_column(sa.Text(), default=None)\n",
            "class Part(Base, kw_only=True):",
        ),
    ),
    "SQLModel gets SQLModel": Case(
        """
        import sqlalchemy as sa
        from sqlalchemy.orm import registry
        from sqlmodel import Field, SQLModel


        class Base(SQLModel, registry=registry()):
            pass


        class Item(Base, table=True):
            __tablename__ = "items"

            id: int | None = Field(default=None, primary_key=True)
            name: str  # what it is called
            size: int = Field(sa_column=sa.Column(sa.BigInteger, nullable=False))
        """,
        """ALTER TABLE items ALTER name TYPE text, ADD born date;
            CREATE TABLE parts (id serial PRIMARY KEY,
                item_id integer NOT NULL REFERENCES items)""",
        has=(
            (
                'name: str = Field(sa_column=sa.Column("name", sa.Text(), nullable=False))'
                "  # what it is called\n"
            ),
            "    born: dt.date | None = None\n",
            "class Part(Base, table=True):",
            "    size: int = Field(sa_column=sa.Column(sa.BigInteger, nullable=False))\n",
        ),
    ),
    "models in one module stay in one module": Case(
        """
        import sqlalchemy as sa
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


        class Base(DeclarativeBase):
            pass


        class Item(Base):
            __tablename__ = "items"

            id: Mapped[int] = mapped_column(primary_key=True)


        class Other(Base):
            __tablename__ = "others"

            id: Mapped[int] = mapped_column(primary_key=True)
        """,
        """CREATE TYPE mood AS ENUM ('sad', 'happy');
            CREATE TABLE parts (id serial PRIMARY KEY, item_id integer NOT NULL REFERENCES items,
                mood mood)""",
        has=("class Part(Base):", 'item: Mapped["Item"] = relationship()', "class Mood(StrEnum):"),
    ),
    "models of several modules, with relative imports": Case(
        """
        from .things import *  # noqa: F403
        from .base import Base
        """,
        """ALTER TABLE items ADD a integer;
            CREATE TABLE parts (id serial PRIMARY KEY,
                item_id integer NOT NULL REFERENCES items)""",
        files={
            "things/__init__.py": "from .items import Item\nfrom .makers import Maker\n",
            "things/items.py": """\
from sqlalchemy.orm import Mapped, mapped_column

from ..base import Base


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
""",
            "things/makers.py": """\
from sqlalchemy.orm import Mapped, mapped_column

from ..base import Base


class Maker(Base):
    __tablename__ = "makers"

    id: Mapped[int] = mapped_column(primary_key=True)
""",
        },
        has=("    a: Mapped[int | None]\n", "class Part(Base):"),
    ),
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a package that is imported from there, and forgotten after the test."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    forget()


def forget() -> None:
    """Forget the imported models, so that they are read again."""
    for name in [name for name in sys.modules if name.split(".")[0] == "shop"]:
        del sys.modules[name]
    # A class that cannot be configured would stop the classes of all later tests.
    clear_mappers()


def imported() -> Any:
    """Import the models, as they are on disk."""
    forget()
    importlib.invalidate_caches()
    return importlib.import_module("shop").Base.metadata


def write(folder: Path, cases: Iterable[Case]) -> list[Path]:
    """Write the modules of a package and return them, one a case."""
    files, exports = {"base.py": BASE}, ["from shop.base import Base"]
    modules = []
    for number, case in enumerate(cases):
        text = textwrap.dedent(case.models).lstrip("\n")
        modules.append(folder / ("__init__.py" if case.files else f"models{number}.py"))
        files |= {**case.files, modules[-1].name: text}
        listed = ", ".join(re.findall(r"^class (\w+)\(", text, re.MULTILINE) or ["Base"])
        exports.append(f"from shop.models{number} import {listed}")
    # What a case exports comes last: its base is the one of the package.
    for path, text in {"__init__.py": "\n".join(exports) + "\n", **files}.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    return modules


PACKAGES = {"a module each": CASES, **{name: {name: case} for name, case in ALONE.items()}}


@pytest.mark.parametrize("cases", PACKAGES.values(), ids=PACKAGES)
def test_merging_gives_the_live_schema_and_keeps_what_is_equal(
    make_database: MakeDatabase, shop: Path, subtests: pytest.Subtests, cases: Mapping[str, Case]
) -> None:
    check(cases, make_database, shop, subtests)


def check(
    cases: Mapping[str, Case], make_database: MakeDatabase, shop: Path, subtests: pytest.Subtests
) -> None:
    """Write the models of a package, change its database, merge, and look at all of it."""
    modules = write(shop, cases.values())
    database = make_database()
    before = created(imported(), database)
    live = altered(database, ";".join(case.sql for case in cases.values()))
    options = pull.Options(package="shop", root=shop.parent)
    texts = [text for case in cases.values() for text in case.renames]
    renames, idle = parse.answers(texts, before, live)
    assert not idle
    merge = pull.merge(imported(), before, live, options, renames=renames)
    print(merge.diff(shop.parent))  # noqa: T201 - shown when the test fails
    merge.write(force=True)
    for (name, case), module in zip(cases.items(), modules, strict=True):
        with subtests.test(name):
            read_ = [module] if len(cases) > 1 else sorted(shop.rglob("*.py"))
            text = "\n".join(path.read_text() for path in read_)
            assert [line for line in case.has if line not in text] == []
            assert [word for word in case.lacks if word in text] == []
    assert sorted(merge.left) == sorted(line for case in cases.values() for line in case.left)
    assert sorted(map(str, merge.gone)) == [line for case in cases.values() for line in case.gone]
    made = created(imported(), make_database("merged"))
    lost = [change.address for change in live.changes_to(made) if change.before is not None]
    assert sorted(map(str, lost)) == [line.partition(":")[0] for line in sorted(merge.left)]
    assert pull.merge(imported(), made, live, options).files == {}


CORE = """\
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

metadata = sa.MetaData()
items = sa.Table("items", metadata, sa.Column("id", sa.Integer, primary_key=True))
"""


def test_tables_without_a_base_are_told_what_a_merge_needs(database: Database, shop: Path) -> None:
    file, sql = shop / "__init__.py", "ALTER TABLE items ADD n int; CREATE TABLE t (id int UNIQUE)"
    file.write_text(CORE)
    before = created(importlib.import_module("shop").metadata, database)
    live, options = altered(database, sql), pull.Options(package="shop", root=shop.parent)
    with pytest.raises(ModelsError) as caught:
        pull.merge(sys.modules["shop"].metadata, before, live, options)
    told = str(caught.value.hint)
    file.write_text(CORE + textwrap.dedent(told[told.index("  class") : told.index("Or write")]))
    merge = pull.merge(imported(), before, live, options)
    text = "".join(merge.files.values())
    assert "items = sa.Table(" in text
    assert 'sa.Column("n", sa.Integer())' in text
    assert [str(one) for one in merge.new] == ["table public.t"]
    assert merge.left == ()


def altered(database: Database, sql: str) -> Catalog:
    """Run SQL and read what is there then."""
    with connect(database) as connection:
        connection.execute(sql.encode())
        return read(connection)
