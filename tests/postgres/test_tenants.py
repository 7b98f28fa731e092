"""A schema for each tenant: two histories, one database."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from limbeck.postgres.connect import connect
from limbeck.project.project import Project
from limbeck.tenants import generating
from tests.postgres.conftest import Work

MODELS = """
plans = Table("plans", metadata, Column("id", Integer, primary_key=True), schema="shared")
users = Table(
    "users", metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("plan", ForeignKey("shared.plans.id"), nullable=False),
)
notes = Table(
    "notes", metadata,
    Column("id", Integer, primary_key=True),
    Column("author", ForeignKey("users.id"), nullable=False),
    Column("text", Text, server_default="none"),
)
{more}
"""


def with_tenants(work: Work, selection: str = "tenant_*") -> Work:
    path = work.project.root / "pyproject.toml"
    path.write_text(f'{path.read_text()}tenants = """{selection}"""\n')
    project = Project.find(work.project.root)
    return Work(project, work.history)


def test_generate(work: Work) -> None:
    work = with_tenants(work)
    work.models(MODELS.format(more=""))
    parts = generating.revisions(work.project)
    for part in parts:
        print(part.revision.path, part.revision.path.read_text())
    work.models(MODELS.format(more="users.append_column(Column('age', Integer))\nIndex('by_age', users.c.age)\n"))
    parts = generating.revisions(work.project)
    print(parts)
    print(parts.tenants.revision.path.read_text())
    assert 0
