"""The pictures in the documents are those of a real run."""

from __future__ import annotations

from pathlib import Path

from tests import pictures


def test_the_pictures_are_those_of_a_run(tmp_path: Path) -> None:
    with pictures.shop(tmp_path) as place:
        drawn = pictures.drawn(place)
    for name, picture in drawn.items():
        documented = (pictures.FOLDER / name).read_text("utf-8")
        assert pictures.masked(picture) == pictures.masked(documented), f"make pictures: {name}"
