"""The embedded server, as text and JSON."""

from __future__ import annotations

from limbeck.output.data import to_json
from limbeck.postgres.embedded.server import Status


def status(found: Status, *, as_json: bool) -> str:
    """Return whether it runs, its port, its process and its folder."""
    running = found.pid is not None
    if as_json:
        return to_json(
            {"running": running, "port": found.port, "pid": found.pid, "home": str(found.home)}
        )
    if running:
        return f"running on port {found.port}, process {found.pid}, data in {found.home}"
    return f"not running, data in {found.home}"
