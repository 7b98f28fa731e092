"""Names of pulled relationships: the roles in the names of columns, and the user's choices."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from limbeck import pull
from limbeck.errors import ConfigurationError
from limbeck.project.project import Project
from tests.postgres.test_pull import made

if TYPE_CHECKING:
    from limbeck.postgres.database import Database

SQL = """
    CREATE TABLE tenants (id integer PRIMARY KEY);
    CREATE TABLE users (tenant_id integer REFERENCES tenants, id integer, manager_id integer,
        PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, manager_id) REFERENCES users);
    CREATE TABLE docs (tenant_id integer, id integer PRIMARY KEY, editor_id integer,
        "ownerId" integer, user_id integer, FOREIGN KEY (tenant_id, editor_id) REFERENCES users,
        FOREIGN KEY (tenant_id, "ownerId") REFERENCES users,
        FOREIGN KEY (tenant_id, user_id) REFERENCES users);
    CREATE TABLE categories (scheme text, code text, parent_scheme text, parent_code text,
        PRIMARY KEY (scheme, code),
        FOREIGN KEY (parent_scheme, parent_code) REFERENCES categories);
    CREATE TABLE countries (code text PRIMARY KEY);
    CREATE TABLE people (id serial PRIMARY KEY, home_code text REFERENCES countries,
        mentor_uuid integer REFERENCES people, "bossId" integer REFERENCES people,
        deputy_fk integer REFERENCES people, person_id_1 integer REFERENCES people);
    CREATE TABLE changesets (id serial PRIMARY KEY, author_id integer REFERENCES people);
    CREATE TABLE changesets_subscribers (changeset_id integer REFERENCES changesets,
        subscriber_id integer REFERENCES people, PRIMARY KEY (changeset_id, subscriber_id));
    CREATE TABLE changeset_watchers (changeset_id integer REFERENCES changesets,
        person_id integer REFERENCES people, PRIMARY KEY (changeset_id, person_id));
    CREATE TABLE posts (id serial PRIMARY KEY);
    CREATE TABLE subscribers (post_id integer REFERENCES posts, person_id integer REFERENCES people,
        PRIMARY KEY (post_id, person_id));
    CREATE TABLE readings (post_id integer REFERENCES posts, person_id integer REFERENCES people,
        PRIMARY KEY (post_id, person_id));
    CREATE TABLE follows (follower_id integer REFERENCES people,
        following_id integer REFERENCES people, PRIMARY KEY (follower_id, following_id));
    CREATE TABLE friends (a_id integer REFERENCES people, b_id integer REFERENCES people,
        PRIMARY KEY (a_id, b_id));
    CREATE TABLE bakers (id serial PRIMARY KEY);
    CREATE TABLE cakes (id serial PRIMARY KEY, baker integer REFERENCES bakers,
        taster integer REFERENCES people)
"""
NAMES = {
    "User": {"tenant", "manager", "users_as_manager", "docs", "docs_as_editor", "docs_as_owner"},
    "Doc": {"editor", "owner", "user"},
    "Category": {"parent", "children"},
    "Country": {"people"},
    "Person": {
        *("home", "mentor", "people_as_mentor", "boss", "people_as_boss", "deputy", "person_1"),
        *("people_as_deputy", "people_as_person_1", "changesets", "changesets_as_subscriber"),
        *("changesets_as_watcher", "followers", "following", "friends", "friends_of", "cakes"),
        *("posts_as_subscriber", "readings_posts"),
    },
    "Post": {"subscribers", "readings_people"},
    "Changeset": {"author", "subscribers", "watchers"},
    "Cake": {"baker_row", "taster_person"},
}


def related(text: str) -> dict[str, set[str]]:
    """The names of the relationships of each class."""
    bodies = re.split(r"^class (\w+)\(Base\):\n", text, flags=re.MULTILINE)
    found = zip(bodies[1::2], bodies[2::2], strict=True)
    line = re.compile(r"^    (\w+): .*= relationship\(", re.MULTILINE)
    return {name: set(line.findall(body)) for name, body in found}


def test_a_relationship_is_named_for_the_role_in_the_columns(database: Database) -> None:
    text = pull.source(made(database, SQL), pull.Options(layout="file"))["models.py"]
    names = related(text)
    assert {name: names[name] for name in NAMES} == NAMES


CHOSEN = """
[tool.limbeck.pull.names]
people = "Human"
"people.home_code" = "home_country"
"cakes.cakes_baker_fkey" = ["maker", "works"]
"follows.follows_follower_id_fkey" = "fans"
mood = "Feeling"
"""


def test_the_users_names_win(database: Database, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(CHOSEN)
    chosen = Project.find(tmp_path).pulled_names
    catalog = made(database, f"{SQL}; CREATE TYPE mood AS ENUM ('sad')")
    text = pull.source(catalog, pull.Options(layout="file", names=chosen))["models.py"]
    names = related(text)
    assert names["Cake"] == {"maker", "taster_person"}
    assert names["Baker"] == {"works"}
    assert {"fans", "following"} <= names["Human"]
    assert 'home_country: Mapped[str | None] = mapped_column(\n        "home_code"' in text
    assert "class Feeling(StrEnum):" in text


@pytest.mark.parametrize(
    "setting", ['books = "class"', "books = 1", 'books = ["a", "b", "c"]', 'books = "a b"']
)
def test_a_chosen_name_is_an_identifier(tmp_path: Path, setting: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.limbeck.pull.names]\n{setting}\n")
    with pytest.raises(ConfigurationError, match="books"):
        Project.find(tmp_path)
