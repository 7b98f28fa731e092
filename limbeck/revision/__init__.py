"""Steps as the text of a revision: plain op.* calls that run without limbeck."""

from __future__ import annotations

from limbeck.revision.body import Body, render
from limbeck.revision.message import message

__all__ = ["Body", "message", "render"]
