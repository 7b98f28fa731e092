"""The one way from limbeck to the Python files of a project: what they are asked for.

Models, hooks, env.py, revision files and backfill functions run with the user's imports and the
user's mistakes. The rest of limbeck reaches them through `UserCode` only, so that they can run
somewhere else than in limbeck's own process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from limbeck.errors import LimbeckError

if TYPE_CHECKING:
    from sqlalchemy import MetaData


LIMIT: Final = 60.0
"""Seconds for an import of the project's code, before limbeck says at which line it hangs."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a module is imported for, for error messages.

    `what` is its plural noun ("the models"), `setting` the hint where its name is written, `error`
    the error for a module that raises while it is imported.
    """

    what: str
    setting: str
    error: type[LimbeckError]


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What the text of an env.py says; it is read and not run.

    `metadata` is the reference of its `target_metadata`, such as "app.models:Base.metadata", if
    the name is imported there.
    """

    metadata: str | None


@dataclass(frozen=True, slots=True)
class Described:
    """The models as SQL: the statements that create them in an empty database, in their order.

    `schemas` are those that the tables name, `enums` the enums of all columns (schema, name,
    column, labels), `tables` their names.
    """

    statements: tuple[str, ...]
    schemas: tuple[str, ...]
    enums: tuple[tuple[str | None, str, str, tuple[str, ...]], ...]
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Configured:
    """What an env.py configures, as it runs.

    The booleans say whether there is such a function or setting; `compare_type` and
    `compare_server_default` may be "function". `tables` and `metadata` count those of
    `target_metadata`, `unknown` are arguments that limbeck does not know.
    """

    version_table: str = "alembic_version"
    version_table_schema: str | None = None
    include_schemas: bool = True
    include_object: bool = False
    include_name: bool = False
    process_revision_directives: bool = False
    compare_type: bool | str = True
    compare_server_default: bool | str = True
    render_item: bool = False
    on_version_apply: bool = False
    render_as_batch: bool = False
    tables: int = 0
    metadata: int = 1
    driver: str = "psycopg"
    unknown: tuple[str, ...] = ()

    @property
    def honoured(self) -> tuple[str, ...]:
        """The arguments that limbeck follows, as env.py spells them."""
        names = {
            f'version_table="{self.version_table}"': self.version_table != "alembic_version",
            f'version_table_schema="{self.version_table_schema}"': self.version_table_schema,
            "include_name": self.include_name,
            "include_object (tables)": self.include_object,
        }
        return tuple(name for name, given in names.items() if given)

    @property
    def ignored(self) -> tuple[str, ...]:
        """The arguments that have no effect in limbeck."""
        names = {
            "include_object (columns, indexes, constraints)": self.include_object,
            "process_revision_directives": self.process_revision_directives,
            "compare_type": self.compare_type is not True,
            "compare_server_default": self.compare_server_default == "function",
            "render_item": self.render_item,
            "on_version_apply": self.on_version_apply,
        }
        return (*(name for name, given in names.items() if given), *self.unknown)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A revision as SQL, up to what needs a database; `error` is what it raised there."""

    text: str
    steps: int
    error: str | None = None


class UserCode(Protocol):
    """The Python files of one project."""

    def metadata(self, reference: str) -> MetaData:
        """Return the tables of the models at "module:attribute".

        Raises:
            ConfigurationError: there is no such module or attribute, or it is not a MetaData.
            ModelsError: the module raises while it is imported; names the file and line.

        """

    def namespace(self, module: str, purpose: Purpose) -> Mapping[str, Any]:
        """Return the names of a module with their values: hooks, or a backfill's function.

        Raises:
            ConfigurationError: there is no such module.
            LimbeckError: of the purpose's kind: it raises while it is imported.

        """

    def revision(self, path: Path) -> Any:
        """Return the module of a revision file, with its functions `upgrade` and `downgrade`.

        Whatever the file raises while it is imported is passed on. Where a worker imports it, the
        module has no functions.
        """
