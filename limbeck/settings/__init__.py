"""What a project and its environments are set to, and where an environment's database is."""

from __future__ import annotations

from limbeck.settings.application import Urls, urls
from limbeck.settings.branches import Place, branches, databases, local_branches, place
from limbeck.settings.neon import switched
from limbeck.settings.profile import Profile
from limbeck.settings.project import Project
from limbeck.settings.url import FoundUrl, database, find_url, shadow_url

__all__ = [
    "FoundUrl",
    "Place",
    "Profile",
    "Project",
    "Urls",
    "branches",
    "database",
    "databases",
    "find_url",
    "local_branches",
    "place",
    "shadow_url",
    "switched",
    "urls",
]
