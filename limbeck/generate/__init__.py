"""The next revision: written from the models, proven on the shadow, and only then kept."""

from __future__ import annotations

from limbeck.generate.answers import Answers
from limbeck.generate.generate import Generated, revision

__all__ = ["Answers", "Generated", "revision"]
