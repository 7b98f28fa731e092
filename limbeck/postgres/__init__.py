"""How limbeck talks to a server: URLs, connections, locks; and runs one of its own."""

from __future__ import annotations
