"""What has changed in a diagram, in words: nothing is told by a colour alone."""

from __future__ import annotations

from limbeck.schema.diagram import Line, State


def noted(text: str, state: State) -> str:
    """Return a name with its state behind it, if it has changed."""
    return text if state == "same" else f"{text} ({state})"


def crossed(line: Line) -> list[str]:
    """Return what has changed about a column."""
    if line.state != "changed":
        return [] if line.state == "same" else [line.state]
    return [f"was {line.was}"] if line.was else ["changed"]
