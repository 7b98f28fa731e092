"""How a value is shown: text, JSON, YAML, Markdown and SARIF, one module for each kind of value."""

from __future__ import annotations
