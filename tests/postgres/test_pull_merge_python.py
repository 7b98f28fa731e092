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
        """CREATE POLICY mine ON contracts USING (true);
            ALTER TABLE contracts ADD cost numeric, ADD about jsonb, ADD to_dict text;
            CREATE TABLE policies (id serial PRIMARY KEY, to_dict text, "Decimal" numeric)""",
        has=(
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
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_types_and_names_in_python_stay_and_are_used(
    make_database: MakeDatabase, shop: Path, subtests: pytest.Subtests, case: Case
) -> None:
    check({"case": case}, make_database, shop, subtests)
