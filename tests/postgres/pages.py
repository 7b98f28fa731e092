"""A project whose names are hostile, and what the tests of its pages share."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from limbeck import migrate
from limbeck.postgres.database import Database
from limbeck.studio.desk import Desk
from tests.postgres.conftest import Work, empty_project

if TYPE_CHECKING:
    from limbeck.postgres.embedded.server import Server

NAMES = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></title><script>alert(1)</script>",
    "a'b\"c`d",
    "{{ 7*7 }}{% raw %}",
    "&lt;b&gt;",
    "50%s %(a)s",
    "?a=b&c#d/../..",
    "javascript:alert(1)",
    "\u05e9\u05dc\u05d5\u05dd <b>",  # Hebrew
    "abc\u202egnp.exe",  # read from right to left after the mark
)
HIDDEN = "value-that-nobody-sees"


@dataclass(frozen=True)
class Shop:
    """The project, its one environment, and a desk that shows it."""

    work: Work
    database: Database

    @property
    def desk(self) -> Desk:
        """A desk for its pages."""
        return Desk(self.work.project)


@contextmanager
def shop(server: Server, admin: psycopg.Connection, root: Path) -> Iterator[Shop]:
    """Yield a project with an applied and a pending revision, drift, and hostile names."""
    name = f"pages_{uuid.uuid4().hex[:12]}"
    with pytest.MonkeyPatch.context() as patch:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        database = Database.from_url("development", server.url(name))
        patch.setenv("SHADOW_DATABASE_URL", server.url())
        patch.setenv("DATABASE_URL_DEVELOPMENT", database.url)
        work = empty_project(root)
        work.models("")
        work.revision("<b>people</b>", PEOPLE, "op.drop_table('orders'); op.drop_table('people')")
        plan = migrate.plan(work.project, work.profile, database)
        migrate.apply(plan, confirm=lambda _: True)
        work.revision("'\"><i>wide", "alter table people alter column name type varchar(99)")
        with psycopg.connect(database.url, autocommit=True) as connection:
            for number, hostile in enumerate(NAMES):
                _create(connection, number, hostile)
            connection.execute(ROWS)
        yield Shop(work, database)
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


PEOPLE = """
op.execute("create table people (id int primary key, name varchar(50), api_token text)")
op.execute("create table orders (id int primary key, person int references people not null)")
op.execute("create index orders_person on orders (person)")
"""

ROWS = f"""
INSERT INTO people SELECT n, 'Person ' || n, '{HIDDEN}' FROM generate_series(1, 120) n;
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON people FOR SELECT USING (name = current_user);
GRANT SELECT ON people TO PUBLIC;
"""


def _create(connection: psycopg.Connection, number: int, name: str) -> None:
    """Give a name to a schema, a table, a column, a comment and a value."""
    words = {"name": sql.Identifier(name), "text": sql.Literal(name)}
    for statement in (
        "CREATE SCHEMA {name}",
        "CREATE TABLE {name}.{name} ({name} text PRIMARY KEY DEFAULT {text})",
        "COMMENT ON TABLE {name}.{name} IS {text}",
        "INSERT INTO {name}.{name} VALUES ({text})",
    ):
        connection.execute(sql.SQL(statement).format(**words))
    reference = f"ALTER TABLE {{name}}.{{name}} ADD to_people{number} int REFERENCES people"
    connection.execute(sql.SQL(reference).format(**words))


@dataclass
class Parsed(HTMLParser):
    """The elements of a page with their attributes, its text, and where its links lead."""

    page: str
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in {"a", "bdi", "code", "strong", "span"}:
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.words.append(data)

    @property
    def text(self) -> str:
        """Everything that is read."""
        return "".join(self.words)

    @property
    def links(self) -> list[str]:
        """The targets of the links."""
        return [attrs["href"] or "" for tag, attrs in self.elements if tag == "a"]

    def refuse_harm(self) -> None:
        """Fail where a name has become an element, an attribute or a link that acts."""
        tags = [tag for tag, _ in self.elements]
        assert not {"img", "iframe", "object", "embed", "b", "i"} & set(tags)
        assert tags.count("script") <= 1
        for _, attrs in self.elements:
            assert not [name for name in attrs if name.startswith("on") or name == "style"]
            for name in {"href", "src", "action"} & set(attrs):
                assert (attrs[name] or "").startswith(("/", "#", "data:,")), attrs
