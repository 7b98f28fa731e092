"""What of a revision file counts as its code, and which files only give statements to `op`."""

from __future__ import annotations

from pathlib import Path

import pytest

from limbeck.history import code, plainness, revisions

FILE = '''"""one"""

import sqlalchemy as sa
from alembic import op

revision = "a1"
down_revision = None
NAMES = ["a", "b"]


def upgrade() -> None:
    op.create_table("t", sa.Column("id", sa.Integer))
    op.execute("create index i on t (id) where id <> '  '")


def downgrade() -> None:
    op.drop_table("t")
'''
SAME = {
    "a comment": ("NAMES =", "# these\nNAMES ="),
    "the docstring": ('"""one"""', '"""another"""'),
    "a docstring in the function": ("-> None:\n    op.c", '-> None:\n    """Create."""\n    op.c'),
    "quotes": ('"a", "b"', "'a', 'b',"),
    "lines": ('("t", sa', '(\n        "t",\n        sa'),
    "annotations": ("def upgrade() -> None", "def upgrade()"),
    "an annotated name": ("NAMES =", "NAMES: list[str] ="),
    "the order of imports": (
        "import sqlalchemy as sa\nfrom alembic import op",
        "from alembic import op\nimport sqlalchemy as sa",
    ),
    "an import that nothing uses": ("import sqlalchemy", "import os\nimport sqlalchemy"),
    "where it stands": ("down_revision = None", 'down_revision = "a0"'),
    "how long it waits": ("NAMES =", 'lock_timeout = "2s"\nNAMES ='),
    "the way back": ('op.drop_table("t")', 'op.execute("drop table t cascade")'),
    "white space in SQL": ("create index i", "create  index -- quick\n i".replace("\n", "\\n")),
}
OTHER = {
    "a name": ('Column("id"', 'Column("key"'),
    "a value above": ('["a", "b"]', '["a", "c"]'),
    "white space in a value": ('["a", "b"]', '["a", "b "]'),
    "white space in quotes in SQL": ("'  '", "' '"),
    "a statement": ('    op.create_table("t", sa.Column("id", sa.Integer))\n', ""),
    "the order": ("NAMES =", "def f():\n    pass\n\nNAMES ="),
    "where a used name comes from": ("import sqlalchemy as sa", "import numpy as sa"),
    "a type": ("sa.Integer", "sa.BigInteger"),
    "text and number": ('["a", "b"]', '["a", 1]'),
}


@pytest.mark.parametrize(
    ("change", "same"),
    [*((each, True) for each in SAME.values()), *((each, False) for each in OTHER.values())],
    ids=[*SAME, *OTHER],
)
def test_what_counts_as_an_edit(change: tuple[str, str], *, same: bool, tmp_path: Path) -> None:
    before, after = tmp_path / "before.py", tmp_path / "after.py"
    assert change[0] in FILE
    before.write_text(FILE)
    after.write_text(FILE.replace(*change, 1))
    assert (code.checksum(before) == code.checksum(after)) is same


PLAIN = {
    "operations": "op.create_table('t', sa.Column('id', sa.Integer))\nop.execute('select 1')",
    "a block": "with op.get_context().autocommit_block():\n    op.execute('vacuum')",
    "a batch": "with op.batch_alter_table('t') as batch:\n    batch.drop_column('a')",
    "rows": "t = sa.table('t', sa.column('id'))\nop.bulk_insert(t, [{'id': n} for n in range(9)])",
    "a loop": "for name in ('a', 'b'):\n    op.execute(f'drop table {name}')",
    "a function of the file": "more()",
    "a type of the project": "op.add_column('t', sa.Column('a', models.Money()))",
    "a value of the project": "op.execute(models.query())",
    "offline": "if not op.get_context().as_sql:\n    op.execute('select 1')",
    "a file": "op.execute(pathlib.Path(__file__).with_suffix('.sql').read_text())",
    "the word in a string": "op.execute(\"insert into t values ('commit')\")",
}
NOT = {
    "the bind": "op.get_bind().execute(sa.text('select 1'))",
    "the bind by another name": "operations.get_bind()",
    "alembic itself": "alembic.op.get_bind()",
    "the bind of the context": "op.get_context().bind",
    "op handed on": "helper(op)",
    "an exception that is caught": "try:\n    op.execute('select 1')\nexcept Exception:\n    pass",
    "contextlib": "with suppress(Exception):\n    op.execute('select 1')",
    "a savepoint": "op.execute('SAVEPOINT s')",
    "a savepoint as text": "op.execute(sa.text(' -- so\\n release s'))",
    "a commit": "op.execute('COMMIT')",
    "a commit in a script": "op.execute('create table a (); commit; create table b ()')",
    "code of the project": "models.migrate()",
    "a function of the file that reads": "reads()",
    "an engine": "sa.create_engine('postgresql://')",
    "a class": "class A:\n    x = op.get_bind()",
    "hidden": "getattr(op, 'get' + '_bind')()",
}
HEAD = """
import pathlib
import alembic
import sqlalchemy as sa
from contextlib import suppress
from alembic import op
from alembic import op as operations
from app import models

def more():
    op.execute('select 1')
    if False:
        more()

def reads():
    return operations.get_bind().scalar(sa.text('select 1'))

def upgrade():
    {}
"""


@pytest.mark.parametrize(
    ("body", "plain"),
    [*((each, True) for each in PLAIN.values()), *((each, False) for each in NOT.values())],
    ids=[*PLAIN, *NOT],
)
def test_which_revisions_only_give_statements_to_op(
    body: str, *, plain: bool, tmp_path: Path
) -> None:
    file = tmp_path / "one.py"
    file.write_text(HEAD.format(body.replace("\n", "\n    ")))
    assert plainness.is_plain(file) is plain


def test_a_file_without_the_function_is_not_plain(tmp_path: Path) -> None:
    file = tmp_path / "one.py"
    file.write_text("upgrade = print")
    assert not plainness.is_plain(file)


@pytest.mark.parametrize(
    ("imported", "repeatable"),
    [("import re", True), ("import uuid", False), ("from datetime import datetime", False)],
)
def test_statements_go_to_other_databases_if_their_python_has_the_same_values_each_time(
    tmp_path: Path, imported: str, *, repeatable: bool
) -> None:
    file = tmp_path / "one.py"
    file.write_text(f"{imported}\n{FILE}")
    assert plainness.is_repeatable(revisions.read(file)) is repeatable
