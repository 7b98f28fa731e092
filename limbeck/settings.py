"""A project and its environments: settings, profiles, URLs."""

from __future__ import annotations

from limbeck.project.application import Urls, urls
from limbeck.project.neon import switched
from limbeck.project.places import Place, branches, databases, local_branches, place
from limbeck.project.profile import Profile
from limbeck.project.project import Project
from limbeck.project.urls import FoundUrl, database, find_url, shadow_url

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
