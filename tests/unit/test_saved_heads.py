"""The heads of revision files are saved once the next write is told apart for certain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from limbeck.history import saved
from limbeck.history.saved import File

if TYPE_CHECKING:
    import pytest

HEAD = "revision = 'r{0}'\ndown_revision = {1}\n\n\ndef upgrade():\n    pass\n"
AGE = 10_000_000_000


def written(folder: Path) -> list[File]:
    """Write revision files, and return them."""
    files = []
    for number in range(60):
        path = folder / f"r{number}.py"
        down = f"'r{number - 1}'" if number else None
        path.write_text(HEAD.format(number, down))
        files.append(File.of(str(path), path.stat()))
    return files


def aged(file: File) -> File:
    return file._replace(modified=file.modified - AGE, changed=file.changed - AGE)


def test_a_file_that_was_written_a_moment_ago_is_not_saved(tmp_path: Path) -> None:
    files, place = written(tmp_path), tmp_path / "heads"
    assert len([*saved.revisions(place, files)]) == 60
    assert not place.exists()
    mixed = [aged(files[0]), *files[1:]]
    assert [*saved.revisions(place, mixed)] == [*saved.revisions(None, mixed)]
    assert place.read_text().count(".py") == 1


def test_a_saved_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, place = [aged(each) for each in written(tmp_path)], tmp_path / "heads"
    before = [*saved.revisions(place, files)]
    read: list[Path] = []
    monkeypatch.setattr(saved, "read", lambda path: read.append(path) or before[0])
    assert [*saved.revisions(place, files)] == before
    assert read == []
    changed = files[0]._replace(size=files[0].size + 1)  # a process reads each file once
    assert len([*saved.revisions(place, [changed, *files[1:]])]) == 60
    assert read == [Path(changed.path)]


def test_the_head_of_a_long_file_is_saved_and_that_of_a_short_one_is_not(tmp_path: Path) -> None:
    place, path = tmp_path / "heads", tmp_path / "r0.py"
    for tail, is_saved in (("", False), ("# " * 200_000, True)):
        path.write_text(HEAD.format(0, None) + tail)
        [*saved.revisions(place, [aged(File.of(str(path), path.stat()))])]
        assert place.exists() is is_saved
