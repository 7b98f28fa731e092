"""What a project and its environments are set to, and where an environment's database is.

Each is imported when it is first used: where a URL says it all, there need not be a project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from limbeck.lazily import attributes

if TYPE_CHECKING:
    from limbeck.settings.application import Urls, urls
    from limbeck.settings.neon import switched
    from limbeck.settings.places import Place, branches, databases, local_branches, place
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

if not TYPE_CHECKING:  # a type checker would take any name for one of them
    __getattr__ = attributes(
        __name__,
        {
            "FoundUrl": "url",
            "Place": "places",
            "Profile": "profile",
            "Project": "project",
            "Urls": "application",
            "branches": "places",
            "database": "url",
            "databases": "places",
            "find_url": "url",
            "local_branches": "places",
            "place": "places",
            "shadow_url": "url",
            "switched": "neon",
            "urls": "application",
        },
    )
