"""How one history reaches many databases: which they are, waves over them, who is where."""

from __future__ import annotations
