"""Run revisions on the shadow and record what every statement locks, rewrites and scans."""

from __future__ import annotations
