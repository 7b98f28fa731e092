"""The next revision: written from the models, proven on the shadow, and only then kept."""

from __future__ import annotations

from limbeck.generate.generate import Generated, revision
from limbeck.generate.questions import Answers

__all__ = ["Answers", "Generated", "revision"]
