"""A live schema as SQLAlchemy models: written, proved, merged into existing ones."""

from __future__ import annotations

from limbeck.models.pull.edit.merged import Merge
from limbeck.models.pull.edit.merging import merge
from limbeck.models.pull.options import Layout, Options, Style
from limbeck.models.pull.prove.proof import Proof, compared
from limbeck.models.pull.prove.proving import prove
from limbeck.models.pull.pulling import fresh, into
from limbeck.models.pull.render.writing import source

__all__ = [
    "Layout",
    "Merge",
    "Options",
    "Proof",
    "Style",
    "compared",
    "fresh",
    "into",
    "merge",
    "prove",
    "source",
]
