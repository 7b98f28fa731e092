"""The next revision: written from the models, and kept once it is proven on the shadow."""

from __future__ import annotations

from limbeck.generate.answers import Answers
from limbeck.generate.generate import revision
from limbeck.generate.generated import Generated

__all__ = ["Answers", "Generated", "revision"]
