"""The one way from limbeck to the Python files of a project: what they are asked for.

Models, hooks, env.py, revision files and backfill functions run with the user's imports and the
user's mistakes. The rest of limbeck reaches them through `UserCode` only, so that they can run
somewhere else than in limbeck's own process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from limbeck.errors import LimbeckError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import MetaData


LIMIT: Final = 60.0
"""Seconds for an import of the project's code, before limbeck says at which line it hangs."""


class Purpose(NamedTuple):
    """What a module is imported for, for error messages.

    `what` is its plural noun ("the models"), `setting` the hint where its name is written, `error`
    the error for a module that raises while it is imported.
    """

    what: str
    setting: str
    error: type[LimbeckError]


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

    def prepare(self, purpose: str) -> None:
        """Start what the code needs, while limbeck goes on."""

    def expect(self, revisions: Sequence[Path]) -> None:
        """Import the files of revisions that will run next, while limbeck goes on."""
