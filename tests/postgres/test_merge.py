"""Two heads become one when, and only when, their order does not matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from limbeck.engine import running, version_table
from limbeck.errors import HistoryError, MigrationError, ProofError
from limbeck.history import writing
from limbeck.merge import merge

if TYPE_CHECKING:
    import psycopg

    from limbeck.history.revisions import Revision
    from tests.postgres.conftest import Work

BASE = "create table base (a int, b int)"


def heads(work: Work, left: str, right: str) -> tuple[Revision, Revision]:
    """Record two revisions that both follow the same one."""
    base = work.revision("base", BASE, "drop table base")
    return work.revision("left", left, down=base), work.revision("right", right, down=base)


COMMUTE = {
    "two tables": ("create table l ()", "create table r ()"),
    "two columns of one table": ("alter table base add l int", "alter table base add r int"),
    "nothing at all": ("", ""),
}


@pytest.mark.parametrize("case", COMMUTE)
def test_heads_whose_order_does_not_matter_are_joined(
    case: str, work: Work, connection: psycopg.Connection
) -> None:
    left, right = heads(work, *COMMUTE[case])
    made = merge(work.project)
    head = work.history.head()
    assert head
    assert head.path == made.path
    assert set(head.down) == {left.id, right.id} == {each.id for each in made.heads}
    running.upgrade(work.history, connection)
    assert version_table.current(work.history, connection) == (head.id,)


CONFLICTS = {
    "one name twice": ("create table x (l int)", "create table x (r int)", "already exists"),
    "one drops what the other changes": (
        "alter table base drop a",
        "alter table base alter a type bigint",
        'column "a"',
    ),
    "the last one wins": (
        "alter table base alter a set default 1",
        "alter table base alter a set default 2",
        "column public.base.a",
    ),
    "one reads what the other makes": (
        "create table l ()",
        "do $$ begin if to_regclass('l') is null then create table r (); end if; end $$",
        "table public.r",
    ),
}


@pytest.mark.parametrize("case", CONFLICTS)
def test_heads_whose_order_matters_are_refused_and_nothing_is_written(
    case: str, work: Work
) -> None:
    left_sql, right_sql, said = CONFLICTS[case]
    left, right = heads(work, f'op.execute("""{left_sql}""")', f'op.execute("""{right_sql}""")')
    before = sorted(work.history.folder.iterdir())
    with pytest.raises(ProofError) as caught:
        merge(work.project)
    for part in (left.id, right.id, said):
        assert part in str(caught.value)
    assert "down_revision" in (caught.value.hint or "")
    assert sorted(path for path in work.history.folder.iterdir() if path.suffix) == [
        path for path in before if path.suffix
    ]


def test_three_heads_are_proved_pair_by_pair(work: Work) -> None:
    heads(work, "create table l ()", "create table r ()")
    base = work.history.revisions()[0]
    third = work.revision("third", "create table t ()", down=base)
    assert {each.id for each in merge(work.project).heads} >= {third.id}
    assert len(work.history.heads()) == 1


def test_of_three_heads_the_two_that_clash_are_named(work: Work) -> None:
    base = work.revision("base", BASE, "drop table base")
    for side in ("apart", "left", "right"):
        work.revision(side, f"create table {'apart' if side == 'apart' else 'same'} ()", down=base)
    with pytest.raises(ProofError, match="already exists") as caught:
        merge(work.project)
    for one in work.history.revisions():
        assert (one.id in str(caught.value)) == (one.message in {"left", "right"})


@pytest.mark.parametrize("way", ["forwards", "backwards"])
def test_of_branches_of_several_revisions_those_that_clash_are_named(work: Work, way: str) -> None:
    base = work.revision("base", BASE, "drop table base")
    lines = [
        ["create table l1 ()", "alter table base alter a set default 1", "create table l3 ()"],
        ["create table r1 ()", "alter table base alter a set default 2"],
    ]
    for line in lines if way == "forwards" else lines[::-1]:
        down = base
        for text in line:
            down = work.revision(text.replace("alter table base alter", "default"), text, down=down)
    with pytest.raises(ProofError, match=r"column public\.base\.a is") as caught:
        merge(work.project)
    for one in work.history.revisions():
        assert (one.id in str(caught.value)) == one.message.startswith("default")


def test_branches_of_several_revisions_are_joined(
    work: Work, connection: psycopg.Connection
) -> None:
    base = work.revision("base", BASE, "drop table base")
    for side in "lr":
        down = base
        for number in (1, 2, 3):
            down = work.revision(side, f"create table {side}{number} ()", down=down)
    merge(work.project)
    running.upgrade(work.history, connection)
    assert connection.execute(
        "select count(*) from pg_tables where tablename ~ '^[lr]\\d$'"
    ).fetchone() == (6,)


def test_a_merge_is_merged_again(work: Work) -> None:
    heads(work, "create table l ()", "create table r ()")
    joined = merge(work.project)
    head = work.history.head()
    assert head
    assert head.path == joined.path
    for side in ("one", "two"):
        work.revision(side, f"create table {side} ()", down=head)
    base = work.history.revisions()[0]
    work.revision("late", "create table late ()", down=base)
    merge(work.project)
    assert len(work.history.heads()) == 1


def test_a_branch_that_does_not_run_even_alone_is_no_question_of_order(work: Work) -> None:
    heads(work, "create table base (a int)", "create table r ()")
    with pytest.raises(MigrationError, match="already exists"):
        merge(work.project)


def test_two_revisions_without_a_common_one_are_joined_too(work: Work) -> None:
    work.revision("left", "create table l ()")
    writing.write(work.history, "right", 'op.execute("create table r ()")', down=[])
    merge(work.project, message="both sides")
    head = work.history.head()
    assert head
    assert head.message == "both sides"


def test_one_head_is_nothing_to_merge(work: Work) -> None:
    with pytest.raises(HistoryError, match="nothing to merge"):
        merge(work.project)
    work.revision("one")
    with pytest.raises(HistoryError, match="nothing to merge"):
        merge(work.project)
