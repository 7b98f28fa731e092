"""The error of a worker: what the project's code raised in its own interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from limbeck.dataclass import dataclass
from limbeck.paths import shown


@dataclass(frozen=True, slots=True)
class ServerFields:
    """What a server reported, by the names that libpq has for it."""

    state: str | None
    message: str
    detail: str | None = None
    hint: str | None = None
    context: str | None = None
    position: str | None = None
    schema: str | None = None
    table: str | None = None
    column: str | None = None
    constraint: str | None = None
    function: str | None = None


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception of another process.

    `kind` is set if the worker itself raised it, `type` is the name of its class, `frames` are the
    files and lines that it passed through, `server` is what a server reported of a `statement`.
    `variable` is an environment variable that was looked up in vain, `missing` a module that is
    not installed. `refused` says that limbeck had the worker raise it instead of sending.
    """

    kind: str = ""
    type: str = ""
    text: str = ""
    frames: tuple[tuple[str, int], ...] = ()
    server: ServerFields | None = None
    statement: str | None = None
    variable: str | None = None
    missing: str | None = None
    refused: bool = False


class WorkerError(Exception):
    """The project's code raised an exception, or its interpreter has ended."""

    def __init__(self, raised: Raised) -> None:
        named = raised.type and not raised.kind
        super().__init__(f"{raised.type}: {raised.text}" if named else raised.text)
        self.raised = raised

    @classmethod
    def of(cls, message: dict[str, Any]) -> Self:
        """Return the error that a worker has described."""
        server, frames = message.get("server"), message.get("frames", ())
        names = ("kind", "type", "text", "statement", "variable", "missing", "refused")
        return cls(
            Raised(
                **{name: message[name] for name in names if name in message},
                frames=tuple((str(file), int(line)) for file, line in frames),
                server=ServerFields(**server) if server else None,
            )
        )

    def line(self, folder: Path) -> str | None:
        """Return file:line of the innermost line in a folder, None if there is none."""
        inside = [each for each in self.raised.frames if is_below(each[0], folder)]
        return f"{shown(Path(inside[-1][0]))}:{inside[-1][1]}" if inside else None


def is_below(file: str, folder: Path) -> bool:
    """Return whether a file belongs to a project's folder, and to no package installed in it."""
    path = Path(file)
    return path.is_relative_to(folder) and "site-packages" not in path.parts
