"""The answers of `fleet`, and of commands that are given the name of a fleet."""

from __future__ import annotations

from typing import TypedDict

from limbeck.output.answers.everyday import PlanAnswer
from limbeck.output.answers.parts import HazardData, ObjectChange


class MemberData(TypedDict):
    """A database of a fleet."""

    name: str
    destination: str
    state: str
    """Where it is: `head`, `pending`, `waiting`, `interrupted`, `unknown`, `unreachable`; or after
    a run `done`, `head`, `waiting`, `failed`, `unreachable`, `left`."""
    current: list[str] | None
    """Its revisions; null where they could not be read."""
    applied: list[str]
    """The revisions that the run has applied or taken back."""
    seconds: float
    reason: str | None
    """Why it failed, in words that are the same for all that failed for this reason."""
    message: str | None
    hint: str | None


class StandingData(MemberData):
    """A database of a fleet, and why it failed in the last run of this machine, if it did."""

    failed: str | None


class GroupData(TypedDict):
    """The databases that stand alike, and their one plan."""

    start: str
    state: str
    databases: list[str]
    plan: PlanAnswer | None
    problem: str | None
    hazards: list[HazardData]


class FleetAnswer(TypedDict):
    """Where the databases of a fleet stand."""

    databases: list[StandingData]
    groups: list[GroupData]


class AlikeData(TypedDict):
    """The databases with one catalog, and how it differs from their revisions."""

    databases: list[str]
    current: list[str]
    changes: list[ObjectChange]


class FleetCheckAnswer(FleetAnswer):
    """Where the databases of a fleet stand, and which of them are alike."""

    alike: list[AlikeData]


class ReasonData(TypedDict):
    """The databases that failed for one reason."""

    reason: str
    databases: list[str]
    message: str | None
    hint: str | None


class FleetRunAnswer(TypedDict):
    """What a rollout has done."""

    ok: bool
    stopped: str | None
    """Why it ended before the last database."""
    databases: list[MemberData]
    failures: list[ReasonData]
    template: MemberData | None
    """What became of the template, which follows a rollout without failures."""


class TenantAnswer(TypedDict):
    """A new tenant."""

    name: str
    destination: str
    current: list[str]
    template: str
