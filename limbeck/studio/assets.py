"""The stylesheet and the script of the pages, and the policy that allows these and nothing else."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Final

from limbeck.output.erd.svg import STYLE

FILES: Final = {"studio.css": "text/css; charset=utf-8", "studio.js": "text/javascript"}
"""The files of the folder static, and their types."""


@cache
def text(name: str) -> str:
    """Return the text of a file."""
    return (resources.files("limbeck.studio") / "static" / name).read_text(encoding="utf-8")


def allowed(content: str) -> str:
    """Return the source of a Content-Security-Policy that allows an element with this content.

    https://www.w3.org/TR/CSP3/#match-element-to-source-list
    """
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"


@cache
def policy() -> str:
    """Return the policy of the server's pages: its own two files, and the style of diagrams."""
    return (
        "default-src 'none'; script-src 'self'; img-src 'self' data:; form-action 'self'; "
        f"style-src 'self' {allowed(STYLE)}; base-uri 'none'; frame-ancestors 'none'"
    )
