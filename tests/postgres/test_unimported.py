"""Tables that the models forget: an error where they have none, a notice where they have some."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.postgres.test_kept_models import put

if TYPE_CHECKING:
    from tests.postgres.conftest import MakeWork

BASE = """from sqlalchemy.orm import DeclarativeBase, declared_attr
class Base(DeclarativeBase):
    @declared_attr.directive
    def __tablename__(cls):
        return cls.__name__.lower() + "s"
"""
USER = """from app.base import Base
from sqlalchemy.orm import Mapped, mapped_column
class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
POST = USER.replace("User", "Post").replace('    __tablename__ = "users"\n', "")
FORGOTTEN = "from app.base import Base\n"
IMPORTED = FORGOTTEN + "from app import user\n"
BASELESS = """class Tag:
    __tablename__ = "tags"
"""


@pytest.mark.parametrize("settings", ["", 'env-file = "variables.env"\n'], ids=["here", "worker"])
def test_tables_that_nobody_imports_are_named(settings: str, make_work: MakeWork) -> None:
    root = make_work().project.root
    models = '[tool.limbeck]\nmodels = "app.models:Base.metadata"\n'
    put(
        root,
        {
            "pyproject.toml": models + settings,
            "variables.env": "",
            "app/__init__.py": "",
            "app/base.py": BASE,
            "app/user.py": USER,
            "app/post.py": POST,
            "app/models.py": FORGOTTEN,
        },
    )
    code, text = generated(root)
    assert code == 1
    assert "the models have no tables: app/post.py, app/user.py declare tables" in text
    put(root, {"app/models.py": IMPORTED + BASELESS})
    code, text = generated(root)
    assert code == 0, text
    assert "the class Tag (app/models.py) has a __tablename__ and no base" in text
    assert "app/post.py declares tables and is not imported by the models" in text


def generated(root: Path) -> tuple[int, str]:
    """Run `limbeck generate` in a process that has imported nothing of the project."""
    command = [Path(sys.executable).with_name("limbeck"), "generate"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return done.returncode, " ".join(done.stderr.split())
