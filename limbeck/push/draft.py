"""The statements of a push as a revision file in no history, for the engine that runs revisions."""

from __future__ import annotations

import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from limbeck.generate.rendering.body import render
from limbeck.history.history import History
from limbeck.history.revisions import Revision
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.diff.steps import Step

_FILE: Final = """\
from alembic import op
{imports}

revision = "push"
down_revision = None

{constants}


def upgrade():
{body}


def downgrade():
    pass
"""


class Draft(NamedTuple):
    """A history with the draft as its only revision."""

    history: History
    revision: Revision


def written(
    steps: Sequence[Step], before: Catalog, after: Catalog, *, unchecked: bool = False
) -> str:
    """Return the text of the draft.

    Args:
        steps: The steps of the push.
        before: The catalog that they start from.
        after: The catalog that they lead to.
        unchecked: Let Postgres accept the bodies of functions unchecked.

    """
    body = render(steps, before, after, plain_sql=True, unchecked=unchecked)
    return _FILE.format(
        imports="\n".join(sorted(body.imports)),
        constants="\n\n".join(sorted(body.constants)),
        body=textwrap.indent(body.text, "    "),
    )


@contextmanager
def drafted(project: Project, text: str) -> Iterator[Draft]:
    """Yield the draft with this text; its file is removed after the block."""
    project.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="push-", dir=project.home) as folder:
        (Path(folder) / "push.py").write_text(text, encoding="utf-8")
        # Without a project: it imports nothing of the project's, so no worker has to run it.
        history = History(project.script_location, Path(folder))
        yield Draft(history, history.find("head")[0])
