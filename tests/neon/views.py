"""The stand-in's state as the description has it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.neon.project import ID, REGION, Compute, Kept, Project, Row, Running, now
from tests.neon.storage import OWNER


def time(value: datetime) -> str:
    """Give a time as Neon does."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def branch(row: Row) -> dict[str, Any]:
    """Give a branch."""
    found = {
        "id": row.id,
        "project_id": ID,
        "name": row.name,
        "current_state": "ready",
        "state_changed_at": time(row.created_at),
        "creation_source": "console",
        "created_at": time(row.created_at),
        "updated_at": time(row.created_at),
        "default": row.default,
        "protected": row.protected,
        "init_source": row.init_source,
        **dict.fromkeys(
            (
                "cpu_used_sec",
                "active_time_seconds",
                "compute_time_seconds",
                "written_data_bytes",
                "data_transfer_bytes",
            ),
            0,
        ),
    }
    if row.parent_id:
        found["parent_id"] = row.parent_id
    if row.expires_at:
        found["expires_at"] = time(row.expires_at)
    if row.reset_at:
        found["last_reset_at"] = time(row.reset_at)
    return found


def annotated(row: Row) -> dict[str, Any]:
    """Give a branch as it is answered when it is asked for alone."""
    note = {"object": {"type": "console/branch", "id": row.id}, "value": {}}
    return {"branch": branch(row), "annotation": note}


def endpoint(compute: Compute) -> dict[str, Any]:
    """Give a compute."""
    return {
        "id": compute.id,
        "host": compute.host,
        "project_id": ID,
        "branch_id": compute.branch_id,
        "region_id": "aws-eu-central-1",
        "autoscaling_limit_min_cu": 0.25,
        "autoscaling_limit_max_cu": 0.25,
        "type": "read_write",
        "current_state": compute.state,
        "pooler_enabled": False,
        "pooler_mode": "transaction",
        "disabled": False,
        "passwordless_access": False,
        "creation_source": "console",
        "created_at": time(now()),
        "updated_at": time(now()),
        "settings": {},
        "proxy_host": REGION,
        "suspend_timeout_seconds": 0,
        "provisioner": "k8s-neonvm",
    }


def operation(running: Running) -> dict[str, Any]:
    """Give an operation."""
    return {
        "id": running.id,
        "project_id": ID,
        "branch_id": running.branch_id,
        "action": running.action,
        "status": "running" if running.left else running.outcome,
        "failures_count": 0,
        "created_at": time(now()),
        "updated_at": time(now()),
        "total_duration_ms": 1,
    }


def databases(row: Row) -> list[dict[str, Any]]:
    """Give the databases of a branch."""
    return [
        {
            "id": number,
            "branch_id": row.id,
            "name": name,
            "owner_name": OWNER,
            "created_at": time(row.created_at),
            "updated_at": time(row.created_at),
        }
        for number, name in enumerate(row.databases, 1)
    ]


def roles(row: Row) -> list[dict[str, Any]]:
    """Give the roles of a branch."""
    made = {"created_at": time(row.created_at), "updated_at": time(row.created_at)}
    return [{"branch_id": row.id, "name": OWNER, "protected": False, **made}]


def snapshot(kept: Kept) -> dict[str, Any]:
    """Give a snapshot."""
    return {
        "id": kept.id,
        "name": kept.name,
        "source_branch_id": kept.branch_id,
        "created_at": time(kept.created_at),
        "manual": True,
    }


def project(whole: Project) -> dict[str, Any]:
    """Give the project."""
    created = time(min(row.created_at for row in whole.rows.values()))
    counters = (
        "data_storage_bytes_hour",
        "data_transfer_bytes",
        "written_data_bytes",
        "compute_time_seconds",
        "active_time_seconds",
        "cpu_used_sec",
        "branch_logical_size_limit",
        "branch_logical_size_limit_bytes",
    )
    return {
        **dict.fromkeys(counters, 0),
        "id": whole.id,
        "platform_id": "aws",
        "region_id": "aws-eu-central-1",
        "name": whole.name,
        "provisioner": "k8s-neonvm",
        "pg_version": 18,
        "proxy_host": REGION,
        "store_passwords": True,
        "creation_source": "console",
        "history_retention_seconds": 86400,
        "created_at": created,
        "updated_at": created,
        "consumption_period_start": created,
        "consumption_period_end": created,
        "owner_id": "standin-owner",
    }


def listed(whole: Project) -> dict[str, Any]:
    """Give the project as a list of projects has it, with fewer counters."""
    shown = project(whole)
    for name in (
        "data_storage_bytes_hour",
        "data_transfer_bytes",
        "written_data_bytes",
        "compute_time_seconds",
        "active_time_seconds",
        "consumption_period_start",
        "consumption_period_end",
    ):
        del shown[name]
    return {**shown, "active_time": 0}
