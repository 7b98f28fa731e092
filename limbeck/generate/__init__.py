"""The next revision: written from the models, proven on the shadow, and only then kept."""

from __future__ import annotations

from limbeck.generate.answers import Answers
from limbeck.generate.generate import revision
from limbeck.generate.generated import Generated

__all__ = ["Answers", "Generated", "revision"]
