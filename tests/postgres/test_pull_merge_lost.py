"""Merging what the database has lost: the models stay valid, and say the same as the database.

Each case is a package of one module, as in `test_pull_merge`; what random changes of real schemas
found (`make mutations`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import pytest

from limbeck.models.pull.edit.unused import without_unused
from tests.postgres.test_pull_merge import Case, check, shop

if TYPE_CHECKING:
    from pathlib import Path

    from limbeck.postgres.database import Database

MakeDatabase: TypeAlias = "Callable[..., Database]"
__all__ = ["shop"]

CASES = {
    "a class whose table has no key any more names the columns that tell its rows apart": Case(
        """
        from sqlalchemy import UniqueConstraint
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


        class Base(DeclarativeBase):
            pass


        class Kept(Base):
            __tablename__ = "kept"

            id: Mapped[int] = mapped_column(primary_key=True)


        class Other(Base):
            __tablename__ = "others"
            __mapper_args__ = {"eager_defaults": True}
            __table_args__ = (UniqueConstraint("a", "b"),)

            id: Mapped[int] = mapped_column(primary_key=True)
            a: Mapped[int]
            b: Mapped[int]
        """,
        """ALTER TABLE kept DROP CONSTRAINT kept_pkey; ALTER TABLE others DROP id""",
        has=(
            '    __mapper_args__ = {"primary_key": ["id"]}\n',
            '    __mapper_args__ = {"primary_key": ["a", "b"], "eager_defaults": True}\n',
        ),
        files={"x.py": ""},
    ),
    "what only the models have loses the keys to what is gone, and its own parts are no loss": Case(
        """
        from sqlalchemy import ForeignKey
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


        class Base(DeclarativeBase):
            pass


        class Shelf(Base):
            __tablename__ = "shelves"

            id: Mapped[int] = mapped_column(primary_key=True)
            code: Mapped[int] = mapped_column(unique=True)
            plans: Mapped[list["Plan"]] = relationship(back_populates="shelf")


        class Plan(Base):
            __tablename__ = "plans"

            id: Mapped[int] = mapped_column(primary_key=True)
            day: Mapped[int] = mapped_column(index=True)
            code: Mapped[int] = mapped_column(ForeignKey("shelves.code"))
            shelf: Mapped[Shelf] = relationship(back_populates="plans")
        """,
        """DROP TABLE plans; ALTER TABLE shelves DROP code""",
        has=("    code: Mapped[int] = mapped_column()\n",),
        lacks=("relationship", "ForeignKey"),
        gone=("table public.plans",),
        files={"x.py": ""},
    ),
    "sequences, types by foreign keys and the order of a key are as the database has them": Case(
        """
        import sqlalchemy as sa
        from sqlalchemy import ForeignKey
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


        class Base(DeclarativeBase):
            pass


        class Box(Base):
            __tablename__ = "boxes"

            id: Mapped[int] = mapped_column(primary_key=True)


        class Lid(Base):
            __tablename__ = "lids"

            id: Mapped[int] = mapped_column(primary_key=True)
            box_id: Mapped[int] = mapped_column(ForeignKey("boxes.id"))
            size: Mapped[int] = mapped_column(index=True)


        pairs = sa.Table(
            "pairs",
            Base.metadata,
            sa.Column("a", sa.Integer, primary_key=True),
            sa.Column("b", sa.Integer, primary_key=True),
        )
        """,
        """ALTER TABLE boxes ALTER id TYPE bigint; ALTER TABLE lids ALTER id DROP DEFAULT,
                ADD UNIQUE (size);
            DROP TABLE pairs; CREATE TABLE pairs (c int, b int, PRIMARY KEY (c, b));
            CREATE TYPE unused AS ENUM ('1st')""",
        has=(
            "    box_id: Mapped[int] = mapped_column(sa.Integer(), ForeignKey(",
            '"lids_id_seq"',
            'sa.Column("c", sa.Integer(), primary_key=True)',
            'name="unused"',
            "    size: Mapped[int] = mapped_column(unique=True)\n",
            'sa.Index(None, "size")',
        ),
        files={"x.py": ""},
    ),
    "a member keeps its name when its label is renamed": Case(
        """
        import enum

        import sqlalchemy as sa
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


        class Role(enum.StrEnum):
            USER = "user"
            ADMIN = "admin"  # all of it


        class Mood(enum.Enum):
            SAD = 1
            GLAD = 2


        ROLE = sa.Enum(Role, values_callable=lambda x: [y.value for y in x], name="role")


        class Base(DeclarativeBase):
            pass


        class Person(Base):
            __tablename__ = "people"

            id: Mapped[int] = mapped_column(primary_key=True)
            role: Mapped[Role] = mapped_column(ROLE)
            mood: Mapped[Mood]
        """,
        """ALTER TYPE role RENAME VALUE 'user' TO 'guest';
            ALTER TYPE mood RENAME VALUE 'SAD' TO 'LOW'""",
        has=('    USER = "guest"\n', '    ADMIN = "admin"  # all of it\n', "    LOW = "),
        lacks=("SAD",),
        files={"x.py": ""},
    ),
    "statements about parts of a table are replaced, not repeated": Case(
        """
        from limbeck.entities import Statement
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


        class Base(DeclarativeBase):
            pass


        class Day(Base):
            __tablename__ = "days"
            __table_args__ = {"comment": "one"}

            id: Mapped[int] = mapped_column(primary_key=True)
            a: Mapped[int | None]
            n: Mapped[int]
            b: Mapped[int | None]


        metadata = Base.metadata
        Statement("ALTER TABLE public.days ALTER COLUMN a SET STATISTICS 10", metadata=metadata)
        Statement("ALTER TABLE public.days ALTER COLUMN b SET STATISTICS 20", metadata=metadata)
        """,
        """ALTER TABLE days ALTER b SET STATISTICS 30; ALTER TABLE days RENAME a TO d;
            ALTER TABLE days RENAME CONSTRAINT days_n_not_null TO nn;
            CREATE INDEX ON days ((b + 1))""",
        renames=("public.days.a:public.days.d",),
        has=(
            'a: Mapped[int | None] = mapped_column("d")',
            "COLUMN d SET STATISTICS 10",
            "SET STATISTICS 30",
        ),
        lacks=("SET STATISTICS 20",),
        files={"x.py": ""},
    ),
    "a partition whose key gets another name is created by itself, then attached": Case(
        """
        import datetime as dt

        from limbeck.entities import Partition
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


        class Base(DeclarativeBase):
            pass


        class Payment(Base):
            __tablename__ = "payments"
            __table_args__ = {"postgresql_partition_by": "RANGE (day)"}

            id: Mapped[int] = mapped_column(primary_key=True)
            day: Mapped[dt.date] = mapped_column(primary_key=True)


        Partition("old", "payments", "FOR VALUES FROM (MINVALUE) TO ('2025-01-01')",
            metadata=Base.metadata)
        Partition("new", "payments", "FOR VALUES FROM ('2025-01-01') TO (MAXVALUE)",
            metadata=Base.metadata)
        """,
        """ALTER TABLE old RENAME CONSTRAINT old_pkey TO other""",
        has=(
            'Definition("TABLE", "public.old",',
            "ATTACH PARTITION public.old",
            '"new"',
        ),
        lacks=('Partition("old"',),
        files={"x.py": ""},
    ),
    "a key of a partition comes before it is attached, a check is in its own definition": Case(
        """
        import datetime as dt

        from limbeck.entities import Definition, Statement
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


        class Base(DeclarativeBase):
            pass


        class Payment(Base):
            __tablename__ = "payments"
            __table_args__ = {"postgresql_partition_by": "RANGE (day)"}

            id: Mapped[int] = mapped_column(primary_key=True)
            day: Mapped[dt.date] = mapped_column(primary_key=True)


        Definition("TABLE", "public.old",
            "CREATE TABLE public.old (day date NOT NULL, id integer NOT NULL)",
            metadata=Base.metadata, exists="to_regclass('public.old') IS NOT NULL")
        Statement(
            "ALTER TABLE public.payments ATTACH PARTITION public.old "
            "FOR VALUES FROM (MINVALUE) TO (MAXVALUE)",
            metadata=Base.metadata,
            unless="EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass('public.old'))",
        )
        """,
        """ALTER TABLE old RENAME CONSTRAINT old_pkey TO other;
        ALTER TABLE old ADD CONSTRAINT positive CHECK (id > 0)""",
        has=("CONSTRAINT positive CHECK", "ADD CONSTRAINT other PRIMARY KEY"),
        files={"x.py": ""},
    ),
    "a partition that only the models have stays attached": Case(
        """
        import datetime as dt

        from limbeck.entities import Definition, Statement
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


        class Base(DeclarativeBase):
            pass


        class Payment(Base):
            __tablename__ = "payments"
            __table_args__ = {"postgresql_partition_by": "RANGE (day)"}

            id: Mapped[int] = mapped_column(primary_key=True)
            day: Mapped[dt.date] = mapped_column(primary_key=True)
            more: Mapped[int]


        Definition("TABLE", "public.old",
            "CREATE TABLE public.old (day date NOT NULL, id integer NOT NULL, more int NOT NULL)",
            metadata=Base.metadata, exists="to_regclass('public.old') IS NOT NULL")
        Statement(
            "ALTER TABLE public.payments ATTACH PARTITION public.old "
            "FOR VALUES FROM (MINVALUE) TO (MAXVALUE)",
            metadata=Base.metadata,
            unless="EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass('public.old'))",
        )
        """,
        """DROP TABLE old""",
        has=("CREATE TABLE public.old", "ATTACH PARTITION public.old"),
        gone=("table public.old",),
        files={"x.py": ""},
    ),
    "what a class inherits stays with its parent, and a new heir is a class": Case(
        """
        from limbeck.entities import Inherits
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


        class Base(DeclarativeBase):
            pass


        class Event(Base):
            __tablename__ = "events"

            id: Mapped[int] = mapped_column(primary_key=True)
            kind: Mapped[str]


        class Login(Base):
            __tablename__ = "logins"
            __table_args__ = (Inherits(Event),)

            id: Mapped[int] = mapped_column(primary_key=True)
            kind: Mapped[str]
            person: Mapped[int]
        """,
        """ALTER TABLE events ADD place text; ALTER TABLE events DROP kind;
        ALTER TABLE logins ADD ip inet;
        CREATE TABLE logouts (PRIMARY KEY (id)) INHERITS (events)""",
        has=(
            "    person: Mapped[int]\n    place: Mapped[str | None] = mapped_column(sa.Text())\n",
            "    ip: Mapped[Any | None] = mapped_column(postgresql.INET())\n",
            'class Logout(Base):\n    __tablename__ = "logouts"\n    __table_args__ = (Inherits(',
        ),
        lacks=("kind",),
        files={"x.py": ""},
    ),
    "a table that inherits and is declared as SQL stays so": Case(
        """
        from limbeck.entities import Definition
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


        class Base(DeclarativeBase):
            pass


        class Event(Base):
            __tablename__ = "events"

            id: Mapped[int] = mapped_column(primary_key=True)


        Definition("TABLE", "public.logins",
            "CREATE TABLE public.logins (person integer) INHERITS (public.events)",
            metadata=Base.metadata, exists="to_regclass('public.logins') IS NOT NULL")
        """,
        """ALTER TABLE events ADD place text; ALTER TABLE logins ADD ip inet""",
        has=("    place: Mapped[str | None]", "ip inet", "Definition("),
        lacks=("class Login",),
        files={"x.py": ""},
    ),
    "a serial outside of the key is a Serial, gained, lost or renamed": Case(
        """
        from limbeck.entities import Serial
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


        class Base(DeclarativeBase):
            pass


        class Order(Base):
            __tablename__ = "orders"

            id: Mapped[int] = mapped_column(primary_key=True)
            lost: Mapped[int] = mapped_column(Serial())
            plain: Mapped[int] = mapped_column(Serial())
            place: Mapped[int] = mapped_column(Serial("bigint"))
        """,
        """ALTER TABLE orders DROP lost; ALTER TABLE orders ALTER plain DROP DEFAULT;
        DROP SEQUENCE orders_plain_seq; ALTER TABLE orders ADD more serial;
        ALTER SEQUENCE orders_place_seq INCREMENT 10""",
        has=(
            "    plain: Mapped[int] = mapped_column(sa.Integer())\n",
            '    place: Mapped[int] = mapped_column(Serial("bigint"))\n',
            "    more: Mapped[int] = mapped_column(Serial())\n",
        ),
        lacks=("lost", "FetchedValue", "Sequence("),
        files={"x.py": ""},
    ),
    "a serial whose sequence is declared beside its class stays so": Case(
        """
        import sqlalchemy as sa
        from limbeck.entities import Sequence
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


        class Base(DeclarativeBase):
            pass


        class Order(Base):
            __tablename__ = "orders"

            id: Mapped[int] = mapped_column(primary_key=True)
            place: Mapped[int] = mapped_column(server_default=sa.FetchedValue())
            gone: Mapped[int] = mapped_column(server_default=sa.FetchedValue())


        Sequence("orders_place_seq", "AS integer", metadata=Base.metadata,
            owned_by=("orders", "place"), default=True)
        Sequence("orders_gone_seq", "AS integer", metadata=Base.metadata,
            owned_by=("orders", "gone"), default=True)
        """,
        """ALTER TABLE orders ADD note text; ALTER TABLE orders DROP gone""",
        has=(
            "    place: Mapped[int] = mapped_column(server_default=sa.FetchedValue())\n",
            'Sequence("orders_place_seq"',
        ),
        lacks=("Serial", "gone"),
        files={"x.py": ""},
    ),
    "a view goes with the column that it reads, one of a table that is gone stays": Case(
        """
        from limbeck.entities import View
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


        class Base(DeclarativeBase):
            pass


        class Kept(Base):
            __tablename__ = "kept"

            id: Mapped[int] = mapped_column(primary_key=True)
            read: Mapped[int]


        class Gone(Base):
            __tablename__ = "gone"

            id: Mapped[int] = mapped_column(primary_key=True)


        View("reading", "SELECT read FROM public.kept", metadata=Base.metadata)
        again = View("again", "SELECT read FROM public.reading", metadata=Base.metadata)
        View("of_gone", "SELECT id FROM public.gone", metadata=Base.metadata)
        """,
        """ALTER TABLE kept DROP read CASCADE; DROP TABLE gone CASCADE""",
        has=('View("of_gone"',),
        lacks=('"reading"', '"again"'),
        gone=("table public.gone", "view public.of_gone"),
        files={"x.py": ""},
    ),
}


GUARDED = """\
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shop.pots import Pot

"""


def test_the_guard_of_imports_goes_with_the_last_of_them() -> None:
    text = without_unused(f"{GUARDED}pot: Pot\na: Any\n", f"{GUARDED}a: Any\n")
    assert "".join(text.split("\n")) == "from typing import Anya: Any"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_models_stay_valid(
    make_database: MakeDatabase, shop: Path, subtests: pytest.Subtests, case: Case
) -> None:
    check({"case": case}, make_database, shop, subtests)
