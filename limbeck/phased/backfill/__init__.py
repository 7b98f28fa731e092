"""Fill in the rows of an expanded change in small batches, beside a running application."""

from __future__ import annotations
