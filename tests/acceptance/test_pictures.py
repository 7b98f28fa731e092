"""The pictures in the documents are those of a real run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests import pictures

if TYPE_CHECKING:
    from limbeck.postgres.database import Database
    from limbeck.postgres.embedded.server import Server


def test_the_pictures_are_those_of_a_run(
    tmp_path: Path, server: Server, make_database: Callable[[str], Database]
) -> None:
    urls = {name: make_database(name).url for name in ("development", "production")}
    drawn = pictures.drawn(pictures.site(tmp_path, server.url(), urls))
    for name, picture in drawn.items():
        documented = (pictures.FOLDER / name).read_text("utf-8")
        assert pictures.masked(picture) == pictures.masked(documented), f"make pictures: {name}"
