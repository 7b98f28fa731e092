"""Gates: the conditions under which a contract revision may run on a database."""

from __future__ import annotations
