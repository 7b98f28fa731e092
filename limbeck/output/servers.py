"""The status of the embedded server, as text and as JSON."""

from __future__ import annotations

from limbeck.output.data import to_json
from limbeck.postgres.embedded.server import Status


def status(server: Status, *, as_json: bool) -> str:
    """Return whether the server is running, its port, process and folder."""
    running = server.pid is not None
    if as_json:
        return to_json(
            {"running": running, "port": server.port, "pid": server.pid, "home": str(server.home)}
        )
    if running:
        return f"running on port {server.port}, process {server.pid}, data in {server.home}"
    return f"not running, data in {server.home}"
