"""Steps as the text of a revision: plain op.* calls that run without limbeck."""

from __future__ import annotations

from limbeck.revision.body import Body, makes_function, render
from limbeck.revision.message import message

__all__ = ["Body", "makes_function", "message", "render"]
