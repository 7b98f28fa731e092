"""How actions are put in order."""

from __future__ import annotations

from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.diff.graph import WISH, Graph, Node


def node(name: str, verb: str = "create") -> Node:
    return Node(verb, Address("table", "public", name))


def graph(*names: str) -> Graph:
    made = Graph()
    for name in names:
        made.add(node(name))
    return made


def lines(made: Graph) -> list[list[str]]:
    ordered = made.sorted(lambda one: (one.address,))
    return [[one.address.name for one in group] for group in ordered]


def test_what_is_free_is_sorted_by_rank() -> None:
    assert lines(graph("c", "a", "b")) == [["a"], ["b"], ["c"]]


def test_what_is_needed_comes_first() -> None:
    made = graph("a", "b", "c")
    made.order(node("a"), node("c"))
    assert lines(made) == [["b"], ["c"], ["a"]]


def test_what_is_not_done_is_not_waited_for() -> None:
    made = graph("a")
    made.order(node("a"), node("never"))
    assert lines(made) == [["a"]]


def test_folded_actions_stand_with_their_leader() -> None:
    made = graph("a", "b", "c")
    made.fold(node("c"), node("a"), 0)
    made.order(node("c"), node("b"))
    assert lines(made) == [["b"], ["a", "c"]]


def test_a_circle_is_opened_by_unfolding_the_least_firm() -> None:
    made = graph("a", "b", "key", "check")
    made.fold(node("key"), node("a"), 1)
    made.fold(node("check"), node("a"), 3)
    made.order(node("key"), node("b"))
    made.order(node("check"), node("b"))
    made.order(node("b"), node("a"))
    made.after[node("check")].clear()
    assert lines(made) == [["a", "check"], ["b"], ["key"]]


def test_a_wish_gives_way_in_a_circle() -> None:
    made = graph("a", "b")
    made.order(node("a"), node("b"), soft=WISH)
    made.order(node("b"), node("a"))
    assert lines(made) == [["a"], ["b"]]


def test_a_need_is_no_wish_any_more() -> None:
    made = graph("a", "b")
    made.order(node("a"), node("b"), soft=WISH)
    made.order(node("a"), node("b"))
    assert made.soft == {}


def test_a_circle_of_needs_is_reported_and_then_cut() -> None:
    made = graph("a", "b")
    made.order(node("a"), node("b"))
    made.order(node("b"), node("a"))
    assert made.settle() == {node("a"), node("b")}
    assert lines(made) == [["a"], ["b"]]
