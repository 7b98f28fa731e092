"""The recording of a session moves, and shows what a terminal shows in the end."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.recording import COLUMNS, ROWS, Piece, Scene, Typing, _paced, drawn, typed

CONFIRMED = Typing("Continue? ", "yes\n")
SHOWN = f"\r\x1b[2Kproving 3 s\r\x1b[2K\x1b[1;32mProved\x1b[0m <it>\r\n{'x' * COLUMNS}y\r\n"
SCENES = [
    Scene("limbeck generate", SHOWN + "proving the revision on the shadow (1.2 s)\r\n"),
    Scene("limbeck migrate", "Continue? yes\r\nApplied\r\n" + "more\r\n" * ROWS, (CONFIRMED,)),
]


def _texts() -> list[str]:
    lines, _ = _paced(SCENES)
    return ["".join(piece.text for piece in line) for line in lines]


def test_erased_lines_and_stages_are_left_out_and_long_lines_go_on_below() -> None:
    expected = ["$ limbeck generate", "Proved <it>", "x" * COLUMNS, "y", "", "$ limbeck migrate"]
    assert _texts()[:6] == expected


def test_an_answer_appears_after_its_question() -> None:
    lines, _ = _paced(SCENES)
    question, answer = lines[6]
    assert (question.text, answer.text) == ("Continue? ", "yes")
    assert answer.second > question.second + 1
    assert lines[7][0].second > answer.second


def test_everything_appears_in_its_order() -> None:
    lines, end = _paced(SCENES)
    pieces: list[Piece] = [piece for line in lines for piece in line]
    seconds = [piece.second for piece in pieces]
    assert seconds == sorted(seconds)
    assert seconds[-1] < end


def test_without_motion_the_end_of_the_session_is_shown_and_nothing_is_a_script() -> None:
    picture = drawn(SCENES)
    still, moving = picture.split("@media (prefers-reduced-motion: no-preference)")
    assert f"translateY({-19 * (len(_texts()) - ROWS)}px)" in still
    assert "visibility:hidden" not in still
    assert "animation" in moving
    root = ET.fromstring(picture)  # noqa: S314 - drawn above
    assert not [each for each in root.iter() if each.tag.endswith(("script", "foreignObject"))]
    named = set(re.findall(r"@keyframes (t\d+)", moving))
    classes = {name for each in root.iter() for name in each.get("class", "").split()}
    assert {name for name in classes if re.fullmatch(r"t\d+", name)} == named


def test_a_command_gets_a_terminal_and_its_answers(tmp_path: Path) -> None:
    script = "test -t 0 && test -t 1 && stty size && printf 'Continue? ' && read a && echo got $a"
    shown = typed(["sh", "-c", script], [CONFIRMED], tmp_path, {"PATH": "/usr/bin:/bin"})
    assert shown == f"{ROWS} {COLUMNS}\r\nContinue? yes\r\ngot yes\r\n"
