"""The answers of `tenants`, and those of other commands in a project with tenants."""

from __future__ import annotations

from typing import TypedDict

from limbeck.output.answers.everyday import (
    EnvironmentData,
    GeneratedAnswer,
    PlanAnswer,
    RunAnswer,
)
from limbeck.output.answers.phased import BackfillAnswer, BackfillPlanAnswer


class TenantsAnswer(TypedDict):
    """The schemas of the tenants."""

    tenants: list[str]


class TenantsGeneratedAnswer(TypedDict):
    """The revisions of both parts, in a project with tenants."""

    shared: GeneratedAnswer | None
    tenants: GeneratedAnswer


class GroupPlanData(PlanAnswer):
    """Tenants that are alike, and the plan of the first of them."""

    tenants: list[str]


class TenantsPlanAnswer(TypedDict):
    """A plan in a project with tenants."""

    environment: str
    shared: PlanAnswer | None
    groups: list[GroupPlanData]
    tenants: int
    failures: dict[str, str]
    """Why a tenant cannot be planned."""


class MigratedData(TypedDict):
    """The tenants that got some revisions."""

    revisions: list[str]
    tenants: list[str]


class FailureData(TypedDict):
    """Why a tenant failed."""

    message: str
    hint: str | None


class TenantsRunAnswer(TypedDict):
    """What ran in a project with tenants."""

    environment: str
    shared: RunAnswer | None
    migrated: list[MigratedData]
    failures: dict[str, FailureData]
    unchanged: int
    """How many tenants had nothing to do."""
    seconds: float


class AlikeData(EnvironmentData):
    """Tenants that are alike, and the state of the first of them."""

    tenants: list[str]


class StandingData(TypedDict):
    """An environment with tenants; `problem` says why it is not known."""

    environment: str
    problem: str | None
    shared: EnvironmentData | None
    groups: list[AlikeData]


class TenantsStatusAnswer(TypedDict):
    """The environments of a project with tenants."""

    environments: list[StandingData]


class TenantsBackfillPlanAnswer(TypedDict):
    """Pending backfills, where a project has tenants: the answer with `--dry-run`."""

    environment: str
    shared: BackfillPlanAnswer | None
    tenants: dict[str, BackfillPlanAnswer]
    """Those of each tenant that has some."""
    failures: dict[str, str]


class TenantsBackfillAnswer(TypedDict):
    """What was filled in, where a project has tenants: the answer without `--dry-run`."""

    environment: str
    shared: BackfillAnswer | None
    tenants: dict[str, BackfillAnswer]
    failures: dict[str, FailureData]
