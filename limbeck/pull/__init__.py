"""A live schema as SQLAlchemy models: written, proved, and merged into those there are.

source(catalog, options=Options()) gives the text of each file by its relative path ("models.py"
in the layout "file"). prove(files, catalog, scratch, options) creates them in an empty Database
and compares: str(proof) is "42 tables, 317 columns, 118 indexes, 9 views: exact".
"""

from __future__ import annotations

from limbeck.pull.options import Layout, Options
from limbeck.pull.proof import Proof, compared, prove
from limbeck.pull.source import source

__all__ = ["Layout", "Options", "Proof", "compared", "prove", "source"]
