"""Where branches come from: databases on a Postgres that comes with the install."""

from __future__ import annotations
