"""Merging into models with types and names of their own in Python: they stay, and are used.

Each case is a package of one module, as in `test_pull_merge`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import pytest

from tests.postgres.test_pull_merge import Case, check, shop

if TYPE_CHECKING:
    from pathlib import Path

    from limbeck.postgres.database import Database

MakeDatabase: TypeAlias = "Callable[..., Database]"
__all__ = ["shop"]

CASES = {
    "a class of the module has the name of an entity": Case(
        """
        from decimal import Decimal as Money

        import sqlalchemy as sa
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


        class Model(DeclarativeBase):
            def to_dict(self) -> dict[str, object]:
                return {}


        Base = Model


        class Policy(Model):
            __tablename__ = "contracts"

            id: Mapped[int] = mapped_column(primary_key=True)
            price: Mapped[Money]
            Any: Mapped[int]


        class Statement(Model):
            __tablename__ = "accounts"

            id: Mapped[int] = mapped_column(primary_key=True)
        """,
        """ALTER TABLE contracts ENABLE ROW LEVEL SECURITY;
            CREATE POLICY mine ON contracts USING (true);
            ALTER TABLE contracts ADD cost numeric, ADD about jsonb, ADD to_dict text;
            CREATE TABLE policies (id serial PRIMARY KEY, to_dict text, "Decimal" numeric)""",
        has=(
            'RowSecurity("contracts", metadata=Model.metadata)',
            'PolicyEntity("mine", "contracts", using="true", metadata=Model.metadata)',
            "    cost: Mapped[Money | None]",
            "    about: Mapped[AnyType | None]",
            'to_dict_: Mapped[str | None] = mapped_column("to_dict", sa.Text())',
            "class Policies(Model):",
        ),
        files={"x.py": ""},
    ),
    "a key in an annotated type is on the far side": Case(
        """
        from typing import Annotated

        from sqlalchemy import ForeignKey
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

        intpk = Annotated[int, mapped_column(primary_key=True)]
        node_fk = Annotated[int, mapped_column(ForeignKey("nodes.id"))]


        class Base(DeclarativeBase):
            pass


        class Keyed:
            key: Mapped[int] = mapped_column(primary_key=True)


        class Node(Base):
            __tablename__ = "nodes"

            id: Mapped[intpk]
            above: Mapped[node_fk | None]
            up: Mapped["Node | None"] = relationship(remote_side="Node.id")


        class Leaf(Keyed, Base):
            __tablename__ = "leaves"

            node: Mapped[node_fk]
            stem: Mapped[Node] = relationship()
        """,
        """ALTER TABLE nodes ADD input integer REFERENCES nodes;
            ALTER TABLE leaves ADD parent_id integer REFERENCES leaves,
                ADD second_id integer REFERENCES nodes""",
        has=(
            'remote_side="[Node.id]"',
            'remote_side="[Leaf.key]"',
        ),
        files={"x.py": ""},
    ),
    "enums stay classes, with new labels, and new columns and tables use them": Case(
        """
        import enum
        from typing import Annotated, Any, ClassVar, Literal, NewType

        import sqlalchemy as sa
        from sqlalchemy import types
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

        UserId = NewType("UserId", int)
        Status = Literal["open", "done"]
        Size = Literal["s", "m"]
        code = Annotated[str, mapped_column(sa.String(3), index=True)]


        class Role(enum.Enum):
            user = "u"
            admin = "a"


        class Mood(enum.StrEnum):
            SAD = "sad"
            HAPPY = "happy"


        class Colour(enum.Enum):
            RED = 1


        class Taste(enum.Enum):
            SWEET = 1
            SOUR = 2


        MOOD = sa.Enum(Mood, values_callable=lambda m: [str(x) for x in m], name="feeling")


        class Path(types.TypeDecorator[str]):
            impl = sa.Text
            cache_ok = True


        class Base(DeclarativeBase):
            type_annotation_map: ClassVar[dict[Any, Any]] = {
                UserId: sa.BigInteger,
                Status: sa.Enum("open", "done", name="state"),
            }


        class User(Base):
            __tablename__ = "users"

            id: Mapped[UserId] = mapped_column(primary_key=True)
            role: Mapped[Role]
            mood: Mapped[Mood] = mapped_column(MOOD)
            colour: Mapped[Colour] = mapped_column(sa.Enum(Colour, name="paint"))
            taste: Mapped[Taste] = mapped_column(
                sa.Enum(Taste, values_callable=lambda t: [x.name.lower() for x in t], name="taste")
            )
            status: Mapped[Status]
            size: Mapped[Size]
            home: Mapped[str] = mapped_column(Path)
            code: Mapped[code]
            moods: Mapped[list[Mood]] = mapped_column(sa.ARRAY(MOOD))
        """,
        """ALTER TYPE role ADD VALUE 'guest'; ALTER TYPE feeling ADD VALUE 'calm';
            ALTER TYPE state ADD VALUE 'held'; ALTER TYPE paint ADD VALUE 'BLUE';
            ALTER TABLE users ADD second_role role, ADD second_mood feeling NOT NULL,
                ADD second_paint paint, ADD second_taste taste,
                ADD second_state state, ADD roles role[],
                ALTER role DROP NOT NULL, ALTER mood SET DEFAULT 'sad', ALTER home DROP NOT NULL,
                ALTER status DROP NOT NULL, ALTER size SET DEFAULT 's', ALTER code DROP NOT NULL;
            CREATE TABLE visits (id serial PRIMARY KEY, role role NOT NULL, mood feeling,
                paint paint, state state)""",
        has=(
            "    role: Mapped[Role | None]\n",
            "    second_role: Mapped[Role | None]\n",
            "    role: Mapped[Role]\n",
            "    mood: Mapped[Mood] = mapped_column(MOOD, server_default=",
            "    second_mood: Mapped[Mood] = mapped_column(MOOD)\n",
            '    paint: Mapped[Colour | None] = mapped_column(sa.Enum(Colour, name="paint"))',
            "    second_state: Mapped[Status | None]\n",
            "    second_taste: Mapped[Taste | None] = mapped_column(\n",
            "values_callable=lambda labels: [label.name.lower() for label in labels]",
            "    roles: Mapped[list[Role] | None] = mapped_column(postgresql.ARRAY(",
            "    mood: Mapped[Mood | None] = mapped_column(MOOD)\n",
            "    home: Mapped[str | None] = mapped_column(Path)\n",
            "    code: Mapped[code | None]\n",
            '    guest = "guest"\n',
            '    CALM = "calm"\n',
            "    BLUE = 2\n",
            'Literal["open", "done", "held"]',
            'sa.Enum("open", "done", "held", name="state")',
        ),
        lacks=("postgresql.ENUM",),
        files={"x.py": ""},
    ),
    "imports go with their last use": Case(
        """
        from __future__ import annotations

        import json
        from datetime import date, datetime
        from decimal import Decimal
        from typing import TYPE_CHECKING

        from sqlalchemy import ForeignKey, String, Text
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

        if TYPE_CHECKING:
            from uuid import UUID


        class Base(DeclarativeBase):
            pass


        class Pot(Base):
            __tablename__ = "pots"

            id: Mapped[int] = mapped_column(primary_key=True)
            price: Mapped[Decimal | None]
            day: Mapped[date]
            at: Mapped[datetime]
            name: Mapped[str] = mapped_column(Text)
            up_id: Mapped[int | None] = mapped_column(ForeignKey("pots.id"))
            up: Mapped[Pot | None] = relationship(remote_side=[id])
        """,
        """ALTER TABLE pots DROP price, DROP at, DROP up_id, ALTER name TYPE varchar(9)""",
        has=(
            "import json\n",
            "from datetime import date\n",
            "from sqlalchemy import String\n",
            "import DeclarativeBase, Mapped, mapped_column\n",
            "    from uuid import UUID\n",
        ),
        lacks=("Decimal", "ForeignKey", "datetime\n", "relationship", "Text"),
        files={"x.py": ""},
    ),
    "SQLModel keeps the types and the arguments of its fields": Case(
        """
        import enum

        from sqlalchemy.orm import registry
        from sqlmodel import Field, SQLModel


        class Role(enum.Enum):
            user = "u"
            admin = "a"


        class Base(SQLModel, registry=registry()):
            pass


        class Person(Base, table=True):
            __tablename__ = "people"

            id: int | None = Field(default=None, primary_key=True)
            role: Role = Field(description="what")
            mail: str = Field(regex="@")
        """,
        """ALTER TYPE role ADD VALUE 'guest'; ALTER TABLE people ALTER role DROP NOT NULL,
            ALTER mail DROP NOT NULL, ADD second role;
            CREATE TABLE visits (id serial PRIMARY KEY, role role NOT NULL)""",
        has=(
            '    role: Role | None = Field(default=None, description="what")\n',
            '    mail: str | None = Field(default=None, regex="@")\n',
            "    second: Role | None = None\n",
            "    role: Role\n",
            '    guest = "guest"\n',
        ),
        files={"x.py": ""},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_types_and_names_in_python_stay_and_are_used(
    make_database: MakeDatabase, shop: Path, subtests: pytest.Subtests, case: Case
) -> None:
    check({"case": case}, make_database, shop, subtests)
