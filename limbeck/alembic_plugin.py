"""A plugin for Alembic's autogenerate that compares catalogs instead of reflecting tables.

`alembic revision --autogenerate` and `alembic check` compare the connected database with the
models by their catalogs, as `limbeck generate` compares the recorded history with them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from alembic.autogenerate import renderers
from alembic.operations.ops import MigrateOperation, UpgradeOps
from alembic.runtime.plugins import Plugin, _all_plugins
from alembic.util import PriorityDispatchResult

from limbeck.errors import ProofError
from limbeck.generate.rendering.body import render
from limbeck.phased.online import online
from limbeck.project.project import Project
from limbeck.schema.catalog.catalog import Catalog
from limbeck.schema.catalog.read import read
from limbeck.schema.diff import compare, recreated
from limbeck.schema.diff.operations import DropTable
from limbeck.schema.diff.steps import Step
from limbeck.shadow.filters import filters
from limbeck.shadow.models import Models
from limbeck.shadow.replay import Replay

if TYPE_CHECKING:
    import psycopg
    from alembic.autogenerate.api import AutogenContext

NAME = "limbeck.alembic_plugin"


def plugins() -> list[str]:
    """Register the plugin with Alembic; return the value for autogenerate_plugins=."""
    if NAME not in _all_plugins:  # Alembic refuses to set up the same name twice
        Plugin.setup_plugin_from_module(sys.modules[__name__], NAME)
    return [NAME]


def setup(plugin: Plugin) -> None:
    """Register the comparator; Alembic calls this."""
    plugin.add_autogenerate_comparator(_compare, "autogenerate")


class SchemaStepsOp(MigrateOperation):
    """The steps from one catalog to another, as one operation of Alembic.

    `beside`: with the recipes for tables in use.
    """

    def __init__(self, before: Catalog, after: Catalog, *, beside: bool) -> None:
        self.before = before
        self.after = after
        self.beside = beside
        plain = compare.steps(before, after)
        steps = online.steps(plain, before, after) if beside else plain
        self.steps: Sequence[Step] = recreated.preserving(steps, before, after)

    def reverse(self) -> SchemaStepsOp:
        """Return the operation for the downgrade."""
        return SchemaStepsOp(self.after, self.before, beside=self.beside)

    def to_diff_tuple(self) -> tuple[str, ...]:
        """Return the statements, which `alembic check` prints."""
        return tuple(step.sql for step in self.steps)


@renderers.dispatch_for(SchemaStepsOp)
def _render(context: AutogenContext, operation: SchemaStepsOp) -> str:
    body = render(operation.steps, operation.before, operation.after)
    context.imports.update(body.imports)
    return "\n".join((*sorted(body.constants), body.text))


def _compare(context: AutogenContext, upgrade: UpgradeOps) -> PriorityDispatchResult:
    project = _project(context)
    seen = filters(project)
    if context.connection is None:
        raise TypeError("autogenerate needs a connection")
    connection = cast("psycopg.Connection", context.connection.connection.driver_connection)
    before = read(connection, filters=seen)
    project = project.on(before.major)
    after = Models(project).catalog()
    if before.changes_to(after):
        beside = project.recipes == "online"
        operation = SchemaStepsOp(before, after, beside=beside)
        _refuse_foreign_drops(project, operation.steps)
        upgrade.ops.append(operation)
    return PriorityDispatchResult.CONTINUE


def _refuse_foreign_drops(project: Project, steps: Sequence[Step]) -> None:
    """Refuse to drop a table that is in the database, but not in the recorded history."""
    dropped = [step.address for step in steps if isinstance(step.operation, DropTable)]
    recorded = Replay(project, "head").catalog().objects if dropped else {}
    if foreign := [address for address in dropped if address not in recorded]:
        names = ", ".join(f"{address.schema}.{address.name}" for address in foreign)
        raise ProofError(
            f"the history did not create {names}, so no revision may drop it",
            hint="Add it to the models with `limbeck pull`, or exclude it with exclude-tables in "
            "[tool.limbeck].",
        )


def _project(context: AutogenContext) -> Project:
    environment = context.migration_context.environment_context
    name = environment.config.config_file_name if environment else None
    return Project.find(Path(name).resolve().parent if name else None)
