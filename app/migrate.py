"""Migrate one environment from a script: python -m app.migrate development.

Edit this file: put what has to happen before and after a migration into the two hooks below;
`limbeck.migrate.Hooks` has more. The logger "limbeck" reports progress. Everything else calls
limbeck as a library.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from limbeck import Project, errors, migrate, settings
from limbeck.migrate import Hooks, Plan, Report, Through

log = logging.getLogger("app.migrate")

INTERRUPTED = 130


def before_run(plan: Plan) -> None:
    """Run after the confirmation, before the first revision: take a snapshot here."""
    log.info("migrating %s", plan.destination)


def after_run(plan: Plan, report: Report) -> None:
    """Run after the last revision: warm a cache or insert rows here."""
    log.info("%s is now at %s", plan.destination, ", ".join(report.current) or "no revision")


HOOKS = Hooks(before_run=before_run, after_run=after_run)


def main(arguments: Sequence[str]) -> int:
    """Migrate the environment that the arguments name and return the exit code.

    0: success or nothing to do; 2: a wrong argument or setting; 3: a blocking hazard in a
    protected environment; 4: not confirmed; 1: any other error.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        _migrate(arguments)
    except errors.LimbeckError as error:
        _complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        _complain(errors.LimbeckError("interrupted; nothing was changed"))
        return INTERRUPTED
    return 0


def _migrate(arguments: Sequence[str]) -> None:
    project = Project.find()
    names = [word for word in arguments if word not in {"--yes", "--contract"}]
    if len(names) != 1:
        raise errors.ConfigurationError(f"Environment must be specified. {_usage(project)}")
    try:
        profile = project.profile(names[0])
        database = settings.database(project, profile)
    except errors.UnknownProfileError as error:
        raise errors.UnknownProfileError(f"{error}. {_usage(project)}", hint=error.hint) from error
    except errors.MissingUrlError as error:
        message = f"{profile.variable} is not set: {error}"
        raise errors.MissingUrlError(message, hint=error.hint) from error
    through: Through | None = "contract" if "--contract" in arguments else None
    plan = migrate.plan(project, profile, database, through=through, hooks=HOOKS)
    for contract in plan.waiting:
        log.warning("on hold: %s: %s. %s", contract.revision, contract.reason, contract.hint)
    if not plan.revisions:
        done = "every revision that may run now" if plan.waiting else "every revision"
        log.info("nothing to do: %s has %s", plan.destination, done)
        return
    log.info("%s is at %s", plan.destination, ", ".join(plan.current) or "no revision yet")
    for revision in plan.revisions:
        log.info("pending: %s (%s)", revision.id, revision.message)

    def confirm(plan: Plan) -> bool:
        return "--yes" in arguments or _agreed(plan)

    # Before a contract, limbeck keeps the state of the branch for `limbeck undo`.
    migrate.apply(plan, confirm=confirm, keep=lambda: settings.place(project, profile))


def _agreed(plan: Plan) -> bool:
    if not plan.protected:
        return True
    if not sys.stdin.isatty():
        raise errors.NotConfirmedError(
            f"{plan.environment} is protected and there is no terminal to ask on",
            hint=f"python -m app.migrate {plan.environment} --yes",
        )
    return input(f"Type {plan.environment} to continue: ").strip() == plan.environment


def _usage(project: Project) -> str:
    names = "|".join(profile.name for profile in project.profiles())
    return f"Usage: python -m app.migrate [{names}]"


def _complain(error: errors.LimbeckError) -> None:
    sys.stderr.write(f"Error: {error.message}\n")
    if error.hint:
        sys.stderr.write(f"{error.hint}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
