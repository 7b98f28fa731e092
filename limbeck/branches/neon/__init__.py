"""Branches of a Neon project, through Neon's API; a file is one of its nouns."""

from __future__ import annotations

from limbeck.branches.neon.account import HOST, Account
from limbeck.branches.neon.provider import NeonBranches

__all__ = ["HOST", "Account", "NeonBranches"]
