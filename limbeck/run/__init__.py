"""How revisions reach a database: plan, confirmation, run; status, rehearsals, previews."""

from __future__ import annotations
