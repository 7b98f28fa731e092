"""The status of the embedded servers, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from limbeck.output.data import to_json
from limbeck.postgres.embedded.server import Status

if TYPE_CHECKING:
    from limbeck.output.answers.setup import LocalStatusAnswer, ServerData


def status(server: Status, others: Sequence[Status], *, as_json: bool) -> str:
    """Return whether the servers are running, their majors, ports, processes and folders.

    Args:
        server: The server of the default environment.
        others: Servers of other majors.
        as_json: Whether to return JSON.

    """
    if as_json:
        status: LocalStatusAnswer = {
            **_data(server),
            "others": [_data(other) for other in others],
        }
        return to_json(status)
    return "\n".join(_line(each) for each in (server, *others))


def _data(server: Status) -> ServerData:
    return {
        "running": server.pid is not None,
        "major": server.major,
        "port": server.port,
        "pid": server.pid,
        "home": str(server.home),
    }


def _line(server: Status) -> str:
    major = f"Postgres {server.major}: " if server.major else ""
    if server.pid is not None:
        at = f"running on port {server.port}, process {server.pid}"
        return f"{major}{at}, data in {server.home}"
    return f"{major}not running, data in {server.home}"
