"""The run: every site, every work, every tool in turn; rows are saved after each turn."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sites
from goals import GOALS, OURS
from measure import Sample
from peers.contender import Contender, Peer
from rows import Row, Rows
from works import WORKS, Work

PATIENCE = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line has chosen.

    Args:
        runs: how often each tool works, after a warm-up.
        seconds: after so many, an ordinary work starts no other round.
        timeout: seconds that a command may take.
        works: what is measured, with the sizes.
        resume: leave what the file has of the same commit.

    """

    runs: int
    seconds: float
    timeout: float
    works: Sequence[tuple[Work, Sequence[int]]]
    resume: bool = False


@dataclass(slots=True)
class Run:
    """A run, its tools that are installed, and why others are not."""

    program: Path
    folder: Path
    commit: str
    choice: Choice
    rows: Rows
    peers: list[Peer]
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    turn: int = 0

    def install(self, cache: Path) -> None:
        """Install all tools; one that cannot be installed is told in its rows."""
        for peer in self.peers:
            try:
                self.versions[peer.name] = peer.install(cache)
            except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on
                self.missing[peer.name] = f"cannot be installed: {_line(error)}"
            version = self.versions.get(peer.name) or self.missing[peer.name]
            print(f"{peer.name}: {version}", file=sys.stderr, flush=True)

    def measure(self) -> None:
        """Measure everything, a site after the other, small ones first."""
        places = {(work.unit, size) for work, sizes in self.choice.works for size in sizes}
        for unit, size in sorted(places, key=lambda place: (place[0] != "revisions", place[1])):
            todo = [
                work
                for work, sizes in self.choice.works
                if work.unit == unit and size in sizes and not self._done(work, size)
            ]
            if todo:
                self._site(unit, size, todo)

    def _done(self, work: Work, size: int) -> bool:
        """Return whether the file has a round of this commit."""
        rows = self.rows.of(work.name, work.unit, size, OURS)
        return self.choice.resume and any(row.commit == self.commit for row in rows)

    def _site(self, unit: str, size: int, todo: Sequence[Work]) -> None:
        _say(f"{size} {unit}: set-up")
        try:
            limit = self.choice.timeout
            with sites.opened(self.program, self.folder, unit, size, limit) as site:
                ready = dict(self._prepared(site, todo))
                for work in todo:
                    self._work(site, work, ready)
        except Exception as error:  # noqa: BLE001 - the next site may do better
            _say(f"{size} {unit}: {_line(error)}")
            for work in todo:
                if not self._done(work, size):
                    self.rows.replace(work.name, size, work.unit)
                    row = self._row(work, size, OURS, 0, Sample(error=f"set-up: {_line(error)}"))
                    self.rows.add([row])

    def _prepared(self, site: sites.Site, todo: Sequence[Work]) -> Iterator[tuple[str, str]]:
        """Yield the tools and why they could not be set up; nothing where they are."""
        for peer in self.peers:
            if all(_beyond(peer, work, site.size) for work in todo):
                continue
            if peer.name in self.missing:
                yield peer.name, self.missing[peer.name]
                continue
            began = time.monotonic()
            try:
                peer.prepare(site)
            except Exception as error:  # noqa: BLE001 - the others go on
                yield peer.name, f"set-up: {_line(error)}"
            else:
                yield peer.name, ""
            _say(f"  {peer.name}: set up in {time.monotonic() - began:.1f} s")

    def _work(self, site: sites.Site, work: Work, ready: dict[str, str]) -> None:
        rows: list[Row] = []
        contenders: dict[str, Contender] = {}
        for peer in self.peers:
            why, contender = self._contender(peer, work, site, ready)
            if contender is not None:
                contenders[peer.name] = contender
            elif why:
                rows.append(self._row(work, site.size, peer.name, 0, Sample(error=why)))
        began = time.monotonic()
        for run in range(self.choice.runs + 1):
            rows += self._round(site, work, contenders, run)
            if not run:  # rows of an earlier run stay until there are new ones
                self.rows.replace(work.name, site.size, work.unit)
            self.rows.add(rows)
            rows = []
            # The warm-up of a long work is followed by one round that counts.
            enough = self.choice.seconds * work.share * (1 if run else PATIENCE)
            if time.monotonic() - began > enough:
                break
        _say(f"{work.name}, {site.size} {site.unit}: {time.monotonic() - began:.0f} s")

    def _contender(
        self, peer: Peer, work: Work, site: sites.Site, ready: dict[str, str]
    ) -> tuple[str, Contender | None]:
        """Return why a tool does not do some work, or what it does."""
        if why := _beyond(peer, work, site.size):
            return why, None
        if ready[peer.name]:
            return ready[peer.name], None
        try:
            return "", peer.contender(work.name, site)
        except Exception as error:  # noqa: BLE001 - the others go on
            return _line(error), None

    def _round(
        self, site: sites.Site, work: Work, contenders: dict[str, Contender], run: int
    ) -> Iterator[Row]:
        for name in list(contenders):
            self.turn += 1
            sample = _turn(contenders[name], self.turn, self.choice.timeout)
            yield self._row(work, site.size, name, run, sample)
            if sample.error:
                _say(f"  {name}: {sample.error}")
                del contenders[name]  # it would fail again

    def _row(self, work: Work, size: int, tool: str, run: int, sample: Sample) -> Row:
        version = self.versions.get(tool, "")
        return Row(
            self.commit,
            work.name,
            size,
            work.unit,
            tool,
            version,
            run,
            round(sample.seconds, 4),
            round(sample.cpu, 3),
            round(sample.server, 2),
            round(sample.peak, 1),
            sample.error,
        )


def _beyond(peer: Peer, work: Work, size: int) -> str:
    """Return why a tool takes no part in some work, as far as that is known beforehand."""
    most = peer.most.get(work.name, size)
    reason = f"measured up to {most:,} {work.unit} only" if size > most else ""
    return peer.cannot.get(work.name, reason)


def _turn(contender: Contender, turn: int, timeout: float) -> Sample:
    """Return a sample of one turn; an error of the preparation is one of the sample."""
    try:
        return contender.ready(turn).run(timeout)
    except Exception as error:  # noqa: BLE001 - the run goes on
        return Sample(error=_line(error))
    finally:
        with contextlib.suppress(Exception):
            contender.undo(turn)


def chosen(
    only: Sequence[str], sizes: dict[str, Sequence[int]], *, quick: bool
) -> list[tuple[Work, Sequence[int]]]:
    """Return works and sizes.

    Args:
        only: parts of the names of works or goals; none: all of them.
        sizes: by unit, those of the command line.
        quick: use the small sizes.

    """
    return [
        (work, sizes.get(work.unit) or (work.quick if quick else work.sizes))
        for work in WORKS
        if not only or any(part in name for part in only for name in _names(work))
    ]


def _names(work: Work) -> list[str]:
    """Return the names by which some work is chosen: its own, and those of its goals."""
    return [
        work.name,
        *(goal.name for goal in GOALS if (goal.work, goal.unit) == (work.name, work.unit)),
    ]


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _line(error: Exception) -> str:
    return " ".join(f"{error}".split())[:200] or type(error).__name__
