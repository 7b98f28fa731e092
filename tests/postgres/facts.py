"""Compare the facts that a trace reads by difference with those that it would read whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from limbeck.lint.trace import reading
from limbeck.lint.trace.facts import Facts
from limbeck.lint.trace.observer import Observer

if TYPE_CHECKING:
    import pytest


def differences(read: Facts, whole: Facts, newest: int) -> Iterator[str]:
    """Yield what differs; facts may lack the relations that no rule is about yet."""
    for name in (each.name for each in fields(Facts)):
        own, all_ = dict(getattr(read, name)), dict(getattr(whole, name))
        for key in sorted(own.keys() | all_.keys()):
            if own.get(key) != all_.get(key) and not _is_new(read, all_.get(key), newest):
                yield f"{name} {key}: {own.get(key)}, not {all_.get(key)}"


def _is_new(read: Facts, fact: Any, newest: int) -> bool:
    relation = getattr(fact, "table", 0) or getattr(fact, "oid", 0)
    return fact is not None and relation > newest and relation not in read.relations


def comparing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Compare the facts after each observed statement; return what differs, as it is seen."""
    wrong: list[str] = []
    read_whole = reading.whole  # a test may count the readings of the trace itself

    def compare(name: str) -> None:
        read = getattr(Observer, name)

        def checked(observer: Observer, at: Any, *arguments: Any) -> Facts:
            facts: Facts = read(observer, at, *arguments)
            whole = read_whole(getattr(at, "connection", at))
            wrong.extend(differences(facts, whole, max(observer.existing, default=0)))
            return facts

        monkeypatch.setattr(Observer, name, checked)

    compare("_after")
    compare("_outside_after")
    return wrong
