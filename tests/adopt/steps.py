"""What is done with each application, and what must come of it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tests.adopt.ground import GIT, Answer, FailedError, Ground

# How often the whole history is timed, each way: a short one oftener, for its seconds vary more.
ROUNDS, MOST, SECONDS = 5, 15, 40
LINTED = 5


@dataclass
class Result:
    """What was seen of one application; `faults` are the steps that did not do what they should."""

    name: str
    version: str
    facts: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


@dataclass
class Adoption:
    """An application on its way through the steps."""

    ground: Ground
    result: Result
    revisions: list[str] = field(default_factory=list)

    def run(self) -> Result:
        """Take every step; one that fails does not keep the others from being taken."""
        for step in (
            self.initialize,
            self.tried,
            self.status,
            self.migrate,
            self.compare,
            self.accept,
            self.generate,
            self.roll_back,
            self.lint,
            self.alembic,
        ):
            try:
                step()
            except (FailedError, StopIteration, KeyError, ValueError) as error:
                self.fault(f"{step.__name__}: {type(error).__name__}: {error}")
                if step == self.initialize:
                    break
        return self.result

    def fault(self, text: str) -> None:
        """Note what is not as it should be."""
        self.result.faults.append(text)

    def expect(self, what: str, *, holds: bool) -> None:
        """Note a fault unless something holds."""
        if not holds:
            self.fault(what)

    def initialize(self) -> None:
        """`limbeck init` adds files and lines, and changes nothing."""
        ground = self.ground
        for name, lines in ground.application.added.items():
            with (ground.root / name).open("a", encoding="utf-8") as file:
                file.write(lines)
        ground.run([*GIT, "add", "--all"])
        ground.run([*GIT, "commit", "--quiet", "--allow-empty", "-m", "what init needs"])
        answer = ground.limbeck("init", "--yes", *ground.application.init)
        understood = re.finditer(
            r"(?m)^ *(history|models|env\.py|not supported): (.*)$", answer.out
        )
        self.result.facts.update({line[1].replace(".", "_"): line[2] for line in understood})
        changed = ground.run(["git", "status", "--porcelain"]).out.splitlines()
        states = {line[:2] for line in changed}
        removed = ground.run(["git", "diff", "--numstat"]).out.splitlines()
        self.expect(f"init changes files: {changed}", holds=states <= {"??", " M"})
        self.expect(
            f"init removes lines: {removed}",
            holds=all(line.split("\t")[1] == "0" for line in removed),
        )
        production = ground.root / "env_profiles" / "production.env"
        production.write_text(production.read_text().replace("PROTECTED=yes", "PROTECTED=no"))

    def tried(self) -> None:
        """`limbeck init --try` prints its three groups, and writes nothing."""
        help_ = self.ground.limbeck("init", "--help").out
        if "--try" not in help_:
            return
        before = self.ground.run(["git", "status", "--porcelain"]).out
        answer = self.ground.limbeck("init", "--try", *self.ground.application.init, code=None)
        self.expect(f"init --try: {answer.text[-500:]}", holds=answer.code in {0, 3})
        after = self.ground.run(["git", "status", "--porcelain"]).out
        self.expect("init --try writes files", holds=before == after)

    def status(self) -> None:
        """Both databases are empty: all of the history is pending."""
        for name in ("development", "production"):
            self.ground.create(name)
        state = self._environment("development")
        self.revisions = [each["id"] for each in state["pending"]]
        self.result.facts["revisions"] = len(self.revisions)
        if self.ground.application.start:
            words = ("-e", "development", "--at", self.ground.application.at)
            answer = self.ground.limbeck("baseline", *words, code=None)
            self.expect(f"baseline: {answer.text[-800:]}", holds=answer.code == 0)

    def _environment(self, name: str) -> dict[str, Any]:
        answer = self.ground.limbeck("status", "-e", name, "--json", code=None)
        state: dict[str, Any] = json.loads(answer.out)["environments"][0]
        return state

    def migrate(self) -> None:
        """The whole history runs into a new database, in turn with plain Alembic."""
        self.revisions = self.revisions or ["heads"]
        ours: list[Answer] = []
        theirs: list[Answer] = []
        while len(ours) < ROUNDS or (len(ours) < MOST and _spent(ours) < SECONDS / 2):
            theirs.append(self._timed("alembic"))
            plain = self._counted()
            ours.append(self._timed("limbeck"))
            own = self._counted()
        self.expect(
            f"a revision runs {_unequal(plain, own)} as often as under Alembic",
            holds=_calls(plain, "alembic") == _calls(own, "target"),
        )
        self.result.facts.update(
            calls=sum(_calls(own, "target").values()),
            limbeck=round(_least(ours, "seconds"), 2),
            alembic=round(_least(theirs, "seconds"), 2),
            ratio=_ratio(ours, theirs, "seconds"),
            processor_ratio=_ratio(ours, theirs, "processor"),
        )
        for name in ("development", "production"):
            state = self._environment(name)
            self.expect(f"{name} is not at head: {state['pending']}", holds=not state["pending"])
            self.expect(f"{name} drifted: {state['drift']}", holds=not state["drift"])

    def _timed(self, tool: str) -> Answer:
        """Migrate a new database; return the answer."""
        self.ground.log.write_text("")
        if tool == "alembic":
            self.ground.create("production")
            return self.ground.alembic("production", "upgrade", "heads")
        self.ground.create("development")
        return self.ground.limbeck("migrate", "-e", "development", "--yes")

    def _counted(self) -> Counter[str]:
        return Counter(self.ground.log.read_text().splitlines())

    def compare(self) -> None:
        """`limbeck check` shows how the models differ from the history."""
        answer = self.ground.limbeck("check", "--json", code=None)
        self.expect(f"check: exit {answer.code} {answer.err[-800:]}", holds=answer.code in {0, 3})
        findings = json.loads(answer.out)["findings"]
        changes = [change for each in findings for change in each.get("changes", ())]
        if changes or answer.code == 0:  # otherwise the models cannot be compared
            self.result.facts["differences"] = len(changes)

    def accept(self) -> None:
        """The differences are accepted; then there are none."""
        answer = self.ground.limbeck(
            "accept", "--reason", "as it was", "--yes", "--json", code=None
        )
        self.expect(f"accept: {answer.text[-800:]}", holds=answer.code == 0)
        self.result.facts["accepted"] = len(json.loads(answer.out)["added"])
        again = self.ground.limbeck("check", code=None)
        self.expect(f"check after accept: {again.text[-1500:]}", holds=again.code == 0)

    def generate(self) -> None:
        """A column that is added to the models is all that the next revision has."""
        edit = self.ground.application.edit
        path = self.ground.root / edit.path
        text = path.read_text("utf-8")
        if text.count(edit.before) != 1:
            raise FailedError(f"{edit.path} has {text.count(edit.before)} times {edit.before!r}")
        path.write_text(text.replace(edit.before, f"{edit.line}\n{edit.before}"), "utf-8")
        before = set(self._files())
        answer = self.ground.limbeck("generate", "-m", "add a column")
        (new,) = set(self._files()) - before
        calls = list(_calls_of(new.read_text("utf-8")))
        self.result.facts["generate"] = round(answer.seconds, 1)
        self.expect(f"the revision holds {calls}", holds=calls == ["add_column", "drop_column"])
        self.expect("the column has another name", holds=edit.column in new.read_text("utf-8"))

    def _files(self) -> Iterator[Path]:
        listed = self.ground.run(
            ["git", "ls-files", "--others", "--exclude-standard", "*.py"]
        ).out.splitlines()
        return (self.ground.root / name for name in listed)

    def roll_back(self) -> None:
        """The new revision is applied and taken back."""
        if "generate" not in self.result.facts:
            return
        self.ground.limbeck("migrate", "-e", "development", "--yes")
        self.ground.limbeck("rollback", "-e", "development", "--yes")
        pending = self._environment("development")["pending"]
        self.expect(f"after rollback {pending} is pending", holds=len(pending) == 1)

    def lint(self) -> None:
        """The last revisions can be judged."""
        last = self.revisions[-LINTED:]
        answer = self.ground.limbeck("lint", *last, "--json", code=None)
        self.expect(f"lint: {answer.text[-1500:]}", holds=answer.code in {0, 3})
        self.result.facts["lint"] = round(answer.seconds, 1)

    def alembic(self) -> None:
        """Plain Alembic goes on where limbeck has stopped, and finds what it found before."""
        run = self.ground.alembic
        current = run("development", "current")
        head = self.revisions[-1]
        self.expect(f"alembic current: {current.out}", holds=head in current.out)
        checks = [run(name, "check", code=None) for name in ("development", "production")]
        self.expect(
            f"alembic check: {checks[0].text[-400:]} but {checks[1].text[-400:]}",
            holds=_last_line(checks[0].out) == _last_line(checks[1].out),
        )
        for words in (("upgrade", "heads"), self.ground.application.down, ("upgrade", "heads")):
            run("development", *words)
        state = self._environment("development")
        self.expect(f"after Alembic: {state['pending']}", holds=not state["pending"])
        self.expect(f"after Alembic: {state['drift']}", holds=not state["drift"])


def _spent(answers: list[Answer]) -> float:
    return sum(answer.seconds for answer in answers)


def _least(answers: list[Answer], what: str) -> float:
    """Return the least seconds, or processor time, of several runs of the same."""
    return min(float(getattr(answer, what)) for answer in answers)


def _ratio(ours: list[Answer], theirs: list[Answer], what: str) -> float:
    """Return the median of what one takes of the other's; a machine has slow minutes."""
    pairs = zip(ours, theirs, strict=True)
    quotients: list[float] = [getattr(a, what) / getattr(b, what) for a, b in pairs]
    return round(median(quotients), 2)


def _last_line(text: str) -> str:
    """Return the last line of a text without addresses of Python's objects."""
    return re.sub(r" at 0x\w+", "", text.rstrip().rpartition("\n")[2])


def _calls(lines: Counter[str], where: str) -> Counter[str]:
    """Return how often each function was called at one place."""
    return Counter(
        {
            line.partition(" ")[2]: number
            for line, number in lines.items()
            if line.startswith(f"{where} ")
        }
    )


def _unequal(plain: Counter[str], own: Counter[str]) -> str:
    theirs, ours = _calls(plain, "alembic"), _calls(own, "target")
    return str(
        {each: (ours[each], theirs[each]) for each in ours | theirs if ours[each] != theirs[each]}
    )


def _calls_of(text: str) -> Iterator[str]:
    """Yield the operations of a revision, in its order; a template may have op.get_bind()."""
    return (match[1] for match in re.finditer(r"\bop\.(?!get_bind)(\w+)\(", text))
