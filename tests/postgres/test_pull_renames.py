"""Renames in a database: classes, attributes and what somebody wrote in them stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limbeck.errors import NotConfirmedError
from tests.postgres.test_pull_merge import Case, MakeDatabase, check, shop
from tests.postgres.test_pull_roles import Run, run

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg
    import pytest
    from click.testing import Result

    from tests.postgres.conftest import Work

__all__ = ["run", "shop"]

CASES = {
    "a table and its columns: the class, its attributes, comments and methods stay": Case(
        '''
        from __future__ import annotations

        from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
        from sqlalchemy.orm import Mapped, mapped_column, relationship

        from shop.base import Base


        class User(Base):
            """Whoever may log in."""

            __tablename__ = "users"  # since 2019
            __table_args__ = (
                UniqueConstraint("mail", "tenant"),  # one account a tenant
                Index("ix_users_mail", "mail", postgresql_ops={"mail": "text_pattern_ops"}),
                Index("by_tenant", "tenant", text("mail DESC")),  # for lists
                CheckConstraint("length(mail) > 3", name="users_mail_check"),
            )

            id: Mapped[int] = mapped_column(primary_key=True)
            # The address that was confirmed.
            mail: Mapped[str] = mapped_column(String(80), info={"label": "Mail"})
            tenant: Mapped[int]
            boss_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

            boss: Mapped[User | None] = relationship(remote_side=[id])
            orders: Mapped[list[Order]] = relationship(back_populates="buyer")

            def domain(self) -> str:
                return self.mail.partition("@")[2]


        class Order(Base):
            __tablename__ = "orders"

            id: Mapped[int] = mapped_column(primary_key=True)
            buyer_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))

            buyer: Mapped[User] = relationship(back_populates="orders")
        ''',
        """ALTER TABLE users RENAME TO people; ALTER TABLE people RENAME mail TO email;
            ALTER TABLE people RENAME tenant TO tenant_id; ALTER TABLE people ADD n integer;
            ALTER TABLE orders RENAME buyer_id TO customer_id""",
        has=(
            '    """Whoever may log in."""\n\n    __tablename__ = "people"  # since 2019\n',
            "    # The address that was confirmed.\n",
            "String(80)",
            'info={"label": "Mail"}',
            '    tenant: Mapped[int] = mapped_column("tenant_id")\n',
            'return self.mail.partition("@")[2]',
            'ForeignKey("people.id", name="orders_buyer_id_fkey", ondelete="CASCADE")',
            "# one account a tenant",
            'Index("by_tenant", "tenant_id", text("email DESC")),  # for lists',
            "buyer: Mapped[User]",
            "    n: Mapped[int | None]\n",
        ),
        lacks=("users.id", "class People"),
        renames=(
            "public.users:public.people",
            "public.people.mail:public.people.email",
            "public.people.tenant:public.people.tenant_id",
            "public.orders.buyer_id:public.orders.customer_id",
        ),
    ),
    "an association, a Table, a view, a policy and a schema refer to it": Case(
        """
        import sqlalchemy as sa
        from limbeck.entities import Policy, RowSecurity, Schema, View
        from sqlalchemy.orm import Mapped, mapped_column, relationship

        from shop.base import Base

        # Which item has which tag.
        links = sa.Table(
            "item_tags",
            Base.metadata,
            sa.Column("item_id", sa.ForeignKey("items.id"), primary_key=True),
            sa.Column("tag", sa.ForeignKey("tags.code"), primary_key=True),
            sa.Column("since", sa.Date, sa.CheckConstraint("since > '2000-01-01'", name="late")),
        )
        sa.Index("ix_links", links.c.since)


        class Item(Base):
            __tablename__ = 'items'

            id: Mapped[int] = mapped_column("id", sa.Integer, primary_key=True)
            label = mapped_column("title", sa.Text, unique=True)
            note = sa.Column(sa.Text)
            tags: Mapped[list["Tag"]] = relationship(
                secondary="item_tags", primaryjoin="Item.id == item_tags.c.item_id"
            )


        class Tag(Base):
            __tablename__ = "tags"
            __table_args__ = (sa.ForeignKeyConstraint(["parent"], ["tags.code"], name="up"),)

            code: Mapped[str] = mapped_column(primary_key=True)
            parent: Mapped[str | None]


        RowSecurity("items", metadata=Base.metadata)
        Policy("own", "items", using="title <> ''", metadata=Base.metadata)
        View("listed", "SELECT id, title FROM items", metadata=Base.metadata)
        Schema("shelf", metadata=Base.metadata)
        """,
        """ALTER TABLE items RENAME TO goods; ALTER TABLE goods RENAME title TO name;
            ALTER TABLE goods RENAME note TO remark; ALTER TABLE item_tags RENAME TO good_tags;
            ALTER TABLE good_tags RENAME item_id TO good_id;
            ALTER TABLE good_tags RENAME since TO tagged_on;
            ALTER TABLE tags SET SCHEMA shelf; ALTER TABLE shelf.tags RENAME code TO word""",
        has=(
            '    "good_tags",\n',
            'sa.Index("ix_links", links.c.tagged_on)',
            "__tablename__ = 'goods'",
            'label = mapped_column("name", sa.Text)',
            'note = sa.Column("remark", sa.Text)',
            'secondary="good_tags", primaryjoin="Item.id == good_tags.c.good_id"',
            'sa.ForeignKeyConstraint(["parent"], ["shelf.tags.word"], name="up")',
            '{"schema": "shelf"}',
            'code: Mapped[str] = mapped_column("word", primary_key=True)',
            'RowSecurity("goods", metadata',
            'Policy("own", "goods", using="(name <> \'\'::text)", metadata',
        ),
        lacks=('"items"', '"item_tags"', "class Good"),
        renames=(
            "public.items:public.goods",
            "public.goods.title:public.goods.name",
            "public.goods.note:public.goods.remark",
            "public.item_tags:public.good_tags",
            "public.good_tags.item_id:public.good_tags.good_id",
            "public.good_tags.since:public.good_tags.tagged_on",
            "public.tags:shelf.tags",
            "shelf.tags.code:shelf.tags.word",
        ),
    ),
}


def test_renamed_tables_and_columns_keep_their_names_in_python(
    make_database: MakeDatabase, shop: Path, subtests: pytest.Subtests
) -> None:
    check(CASES, make_database, shop, subtests)


MODELS = """from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    key: Mapped[str] = mapped_column(primary_key=True)
    mail: Mapped[str]
    name: Mapped[str]
"""
RENAMED = """
    CREATE TABLE people (key varchar CONSTRAINT users_pkey PRIMARY KEY,
        email varchar NOT NULL, name varchar NOT NULL)
    """


def test_write_asks_what_was_renamed_and_a_flag_answers(
    run: Run, work: Work, connection: psycopg.Connection
) -> None:
    models = work.project.root / "models.py"
    models.write_text(MODELS)
    (work.project.root / "pyproject.toml").write_text(
        '[tool.limbeck]\nmodels = "models:Base.metadata"\n'
    )
    connection.execute(RENAMED.encode())

    def pull(*options: str) -> Result:
        return run("pull", "--project", str(work.project.root), *options)

    asked = pull("--write")
    assert isinstance(asked.exception, NotConfirmedError)  # exit code 4
    assert "people  --rename public.users:public.people" in str(asked.exception)
    assert models.read_text() == MODELS
    shown = pull()
    assert "Possible rename: --rename public.users:public.people" in shown.stderr
    one = pull("--write", "--rename", "public.users:public.people")
    assert "--rename public.people.mail:public.people.email" in str(one.exception)
    both = ("public.users:public.people", "public.people.mail:public.people.email")
    done = pull("--write", "--force", *(word for text in both for word in ("--rename", text)))
    assert done.exit_code == 0, done.output
    assert "Renamed: table public.users is table public.people now" in done.stdout
    assert '    mail: Mapped[str] = mapped_column("email")\n' in models.read_text()
