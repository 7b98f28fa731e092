"""The pages of the rules: the level and the sentences in the front matter of docs/rules/*.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import cast

from limbeck.dataclass import dataclass
from limbeck.lint.rules.change import Change
from limbeck.lint.rules.hazard import Finding, Level, waiting

# `docs` is a link to docs/rules in the repository, so that a wheel contains the pages.
_FOLDER = Path(__file__).with_name("docs")
_FRONT_MATTER = re.compile(r"---\nlevel: (\w+)\n(.*?)---\n", re.DOTALL)
_SENTENCE = re.compile(r"^([\w-]+): >-\n((?:  .*\n)+)", re.MULTILINE)  # a folded block of YAML


@dataclass(frozen=True, slots=True)
class Page:
    """The front matter of a page; the sentences have placeholders for the values of a finding."""

    level: Level
    sentences: Mapping[str, str]

    @property
    def summary(self) -> str:
        """The sentence that describes the rule."""
        return self.sentences["summary"]


@cache
def page(code: str) -> Page:
    """Return the page of a rule."""
    text = (_FOLDER / f"{code}.md").read_text(encoding="utf-8")
    match = _FRONT_MATTER.match(text)
    if match is None:
        raise ValueError(f"docs/rules/{code}.md has no front matter")
    sentences = {key: " ".join(lines.split()) for key, lines in _SENTENCE.findall(match[2])}
    return Page(cast("Level", match[1]), sentences)


def words(code: str, finding: Finding, change: Change) -> tuple[str, str]:
    """Return what happens, and what to do instead, in the words of the rule's page."""
    sentences = page(code).sentences
    suffix = f"-{finding.case}" if finding.case else ""
    values = dict(finding.values)
    if (relation := finding.relation) is not None:
        values |= {"table": change.name(relation), "waiting": waiting(change, relation)}
    message = sentences[f"finding{suffix}"].format(**values)
    recipe = sentences.get(f"instead{suffix}") or sentences["instead"]
    return message, recipe.format(**values)
