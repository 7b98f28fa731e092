"""What the page shows: `limbeck studio`, a local server, and `limbeck report`, one file."""

from __future__ import annotations
