"""The examples below the help of each command: what is typed, and what for."""

from __future__ import annotations

from typing import Final

EXAMPLES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "generate": (
        ("limbeck generate", "one revision for everything that has changed"),
        ("limbeck generate --rename public.books.name:public.books.title", "a rename, no loss"),
        ("limbeck generate --zero-downtime", "a breaking change in phases"),
    ),
    "migrate": (
        ("limbeck migrate", "the default environment, development"),
        ("limbeck migrate -e production --dry-run", "the plan with its SQL, and nothing more"),
        ("limbeck migrate -e production --rehearse", "on a throw-away copy first"),
    ),
    "status": (
        ("limbeck status", "all environments side by side"),
        ("limbeck status -e production --json", "one of them, for a program"),
    ),
    "check": (
        ("limbeck check", "in CI: do the models have their revisions?"),
        ("limbeck check -e production", "and is production at the head, without drift?"),
    ),
    "rollback": (
        ("limbeck rollback", "the newest revision"),
        ("limbeck rollback -e development --to 1ee1", "down to a revision, which stays"),
    ),
    "push": (
        ("limbeck push -e development", "show the statements, ask about losses, run them"),
        ("limbeck push -e development --watch", "at every save of a file of the models"),
        ("limbeck push --rename public.users:public.people", "without a question"),
    ),
    "log": (
        ("limbeck log", "the newest entries of all environments"),
        ("limbeck log -e production -n 100", "more of one environment"),
    ),
    "show": (
        ("limbeck show head", "the newest revision"),
        ("limbeck show 1ee1 -e production --no-lint", "is it applied there, and since when?"),
    ),
    "lint": (
        ("limbeck lint -e production", "what is pending there, with the sizes of its tables"),
        ("limbeck lint --since origin/main --format github", "in CI: what a branch adds"),
    ),
    "diff": (
        ("limbeck diff production models", "what production lacks"),
        ("limbeck diff head models --sql", "as a script"),
    ),
    "erd": (
        ("limbeck erd --out schema.svg", "the models, as a picture"),
        ("limbeck erd production models --changed", "what a change does, for a pull request"),
        ("limbeck erd --near books --format html --out books.html", "a table and its neighbours"),
    ),
    "rehearse": (
        ("limbeck rehearse -e production", "the pending revisions, on a copy of production"),
        ("limbeck rehearse -e production --json", "for a program"),
    ),
    "preview up": (
        ("limbeck preview up pr-42", "the branch preview/pr-42, migrated; prints its URLs"),
        ("limbeck preview up pr-42 --reset --ttl 3d", "again from its parent, for three days"),
    ),
    "preview down": (
        ("limbeck preview down pr-42", "when the pull request is closed"),
        ("limbeck preview down pr-42 -e production", "where an environment names the place"),
    ),
    "report": (
        ("limbeck report --out limbeck.html", "all environments, and the default one's schema"),
        ("limbeck report -e production --source production --out p.html", "only of production"),
    ),
    "studio": (
        ("limbeck studio", "all environments, in the browser"),
        ("limbeck studio -e production --port 8123 --no-browser", "one of them, at this port"),
    ),
    "expand": (
        ("limbeck expand public.books.isbn", "what has changed about one column"),
        (
            "limbeck expand public.books.title --rename public.books.name:public.books.title",
            "both names work meanwhile",
        ),
    ),
    "backfill": (
        ("limbeck backfill -e production --dry-run", "how many rows, how long"),
        ("limbeck backfill -e production --workers 2", "with two connections"),
    ),
    "contract": (
        ("limbeck contract -e production --dry-run", "what would be removed"),
        ("limbeck contract -e production", "remove it, once nothing uses it"),
    ),
    "undo": (
        ("limbeck undo", "of the default environment; says what would be lost, and asks"),
        ("limbeck undo -e production", "the state before the last contract"),
    ),
    "revision": (
        ('limbeck revision -m "refresh statistics"', "an empty revision"),
        ('limbeck revision -m "seed countries" --data --table countries', "rows, with a test"),
    ),
    "merge": (
        ("limbeck merge", "two heads become one"),
        ("limbeck merge -e tenants", "in the versions folder of an environment"),
    ),
    "squash": (
        ("limbeck squash --to 1ee1 --dry-run", "what would replace the revisions up to it"),
        ('limbeck squash -m "schema of 2026"', "all of them"),
    ),
    "stamp": (
        ("limbeck stamp head", "a database that has everything already"),
        ("limbeck stamp 1ee1 -e production", "as if this revision were the last applied"),
    ),
    "accept": (
        ("limbeck accept --dry-run", "the differences that would be accepted"),
        ('limbeck accept public.books --reason "until the next release"', "those of a table"),
    ),
    "baseline": (
        ("limbeck baseline --from-environment production", "from the revision that it is at"),
        ("limbeck baseline -e restored --at base", "from tables that no revision has made"),
    ),
    "repair": (
        ("limbeck repair -e production", "which revisions are half done"),
        ("limbeck repair -e production 1ee1 --done", "as if its run had ended"),
    ),
    "pull": (
        ("limbeck pull --write", "what the database has, into the models"),
        ("limbeck pull --url postgresql://localhost/shop --out models", "outside of a project"),
    ),
    "fleet status": (
        ("limbeck fleet status -e tenants", "the fleet of env_profiles/tenants.fleet.env"),
        ("limbeck fleet status --urls tenants.txt --json", "a file of URLs, for a program"),
    ),
    "fleet plan": (
        ("limbeck fleet plan -e tenants", "one plan for all that stand alike"),
        ("limbeck fleet plan -e tenants --name acme", "that of one database"),
    ),
    "fleet migrate": (
        ("limbeck fleet migrate -e tenants --canaries acme --waves 10,100,all", "in waves"),
        ("limbeck fleet migrate -e tenants --only failed", "what failed the last time"),
        ("limbeck fleet migrate -e tenants --shard 1/4", "the first of four jobs"),
    ),
    "fleet rollback": (
        ("limbeck fleet rollback -e tenants --to 1ee1", "wherever it was applied after that"),
        ("limbeck fleet rollback -e tenants --to 1ee1 --name acme", "of one database"),
    ),
    "fleet undo": (
        ("limbeck fleet undo books_price -e tenants", "its contract, where it was applied"),
        ("limbeck fleet undo books_price --neon-branches 'tenant-*'", "without a profile"),
    ),
    "fleet backfill": (
        ("limbeck fleet backfill -e tenants", "all expanded changes, and verify them"),
        ("limbeck fleet backfill -e tenants --at-once 2", "with less load"),
    ),
    "fleet check": (
        ("limbeck fleet check -e tenants", "in CI: is every database at the head, without drift?"),
        ("limbeck fleet check -e tenants --json", "for a program"),
    ),
    "fleet lint": (
        ("limbeck fleet lint -e tenants", "what is pending, once for all that stand alike"),
        ("limbeck fleet lint --databases 'tenant_*' -e production", "without a profile"),
    ),
    "fleet create": (
        ("limbeck fleet create tenant_acme -e tenants", "a copy of the fleet's template"),
        ("limbeck fleet create acme -e tenants --template model", "of another one"),
    ),
    "branches list": (
        ("limbeck branches list", "those of the default environment"),
        ("limbeck branches list -o json", "for a program"),
    ),
    "branches get": (
        ("limbeck branches get development", "one branch"),
        ("limbeck branches get development -o yaml", "with all its fields"),
    ),
    "branches create": (
        ("limbeck branches create qa", "a copy of the default branch"),
        ("limbeck branches create qa --parent production --expires-in 7d", "for a week"),
    ),
    "branches reset": (
        ("limbeck branches reset development --parent", "a fresh copy of its parent"),
        ("limbeck branches reset development --parent --yes", "without a question"),
    ),
    "branches restore": (
        ("limbeck branches restore production ^self@2026-11-01T12:00:00Z", "back to that moment"),
        ("limbeck branches restore development production", "another branch's content"),
    ),
    "branches rename": (
        ("limbeck branches rename qa staging", "another name, the same URL"),
        ("limbeck branches rename qa staging -o json", "for a program"),
    ),
    "branches delete": (
        ("limbeck branches delete qa", "asks where something would be lost"),
        ("limbeck branches delete qa --yes", "without a question"),
    ),
    "branches prune": (
        ("limbeck branches prune 'preview/*' --older-than 7d --dry-run", "which would go"),
        ("limbeck branches prune 'preview/*' --older-than 7d", "delete them"),
    ),
    "branches diff": (
        ("limbeck branches diff production development", "what development has more"),
        ("limbeck branches diff development production", "and the way back"),
    ),
    "branches set-default": (
        ("limbeck branches set-default production", "others are created from it"),
        ("limbeck branches set-default production -o json", "for a program"),
    ),
    "branches set-expiration": (
        ("limbeck branches set-expiration qa --expires-in 7d", "in a week"),
        ("limbeck branches set-expiration qa", "never"),
    ),
    "url": (
        ("limbeck url -e development", "for another program"),
        ("limbeck url -e production --pooled --format dotenv", "both URLs, as variables"),
    ),
    "psql": (
        ("limbeck psql -e development", "a session"),
        ('limbeck psql -e production -- -c "select 1"', "with arguments of psql"),
    ),
    "init": (
        ("limbeck init", "in this folder; shows what it would write, and asks"),
        ("limbeck init --models shop.db:metadata", "where it does not find the models"),
        ("limbeck init --try -e production", "compare history, database, models; write nothing"),
    ),
    "doctor": (
        ("limbeck doctor", "every environment"),
        ("limbeck doctor -e production --write", "note the majors in the profiles"),
    ),
    "local start": (
        ("limbeck local start", "commands start it themselves"),
        ("limbeck --project shop local start", "that of another project"),
    ),
    "local stop": (
        ("limbeck local stop", "its branches stay on disk"),
        ("limbeck --project shop local stop", "that of another project"),
    ),
    "local status": (
        ("limbeck local status", "whether it runs, and where"),
        ("limbeck local status --json", "for a program"),
    ),
    "completion": (
        ('eval "$(limbeck completion bash)"', "in this session"),
        ("limbeck completion fish > ~/.config/fish/completions/limbeck.fish", "in every session"),
    ),
    "tenants list": (
        ("limbeck tenants list -e production", "one name a line"),
        ("limbeck tenants list --json", "for a program"),
    ),
    "tenants create": (
        ("limbeck tenants create shop_ann -e production", "a copy of the setting template"),
        ("limbeck tenants create shop_ann shop_bob", "several, one after the other"),
    ),
}
"""For each command, by the words after `limbeck`."""
