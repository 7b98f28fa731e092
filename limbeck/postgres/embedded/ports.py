"""The TCP port of the embedded server: pinned by a variable, or chosen once for its folder."""

from __future__ import annotations

import json
import os
import socket
import zlib
from pathlib import Path

from limbeck.errors import ConfigurationError, ServerError

SETTING = "LIMBECK_LOCAL_PORT"
# Below every system's range for outgoing connections, which would take one now and then.
FIRST, COUNT = 20_000, 12_000


def pinned() -> int | None:
    """Return the port in $LIMBECK_LOCAL_PORT, None if it is unset or empty.

    Raises:
        ConfigurationError: the value is no port.

    """
    text = os.environ.get(SETTING)
    if not text:
        return None
    if not text.isdigit() or not 0 < int(text) < 65536:  # noqa: PLR2004 - ports have 16 bits
        raise ConfigurationError(f"{SETTING} is {text!r}, which is no port", hint=f"{SETTING}=5433")
    return int(text)


def is_free(port: int) -> bool:
    """Return whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def pick(home: Path) -> int:
    """Return a free port, the same one for the same folder as long as it is free."""
    first = zlib.crc32(os.fsencode(home.absolute()))
    for offset in range(COUNT):
        port = FIRST + (first + offset) % COUNT
        if is_free(port):
            return port
    raise ServerError(f"no port from {FIRST} to {FIRST + COUNT - 1} is free")


def saved(home: Path) -> int | None:
    """Return the port that the server of a folder had last time, None for a new one."""
    try:
        return int(json.loads((home / "server.json").read_text())["port"])
    except (FileNotFoundError, ValueError, KeyError):
        return None


def save(home: Path, port: int) -> None:
    """Save the port for next time; a concurrent reader sees the old or the new one, never half."""
    fresh = home / "server.json.new"
    fresh.write_text(json.dumps({"port": port}) + "\n")
    fresh.replace(home / "server.json")
