"""What a revision would do to the sessions that use the database meanwhile."""

from __future__ import annotations
