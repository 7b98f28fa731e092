"""The order of functions and of what their bodies name.

Postgres records no dependencies of a body that is a string, so the words in it decide: any word may
be a name by accident, and two functions may call each other. `ordering` calls this module.

A function may be created before what it calls exists. But some statements run functions: a new
check is evaluated for each row, an expression index for each row and for constants even without
rows, a default and a generated column when they are added to a table. So these come after all that
the functions name, and what those name in turn.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import field

from limbeck.dataclass import dataclass
from limbeck.schema.catalog.objects.address import Address
from limbeck.schema.catalog.objects.columns import Column
from limbeck.schema.catalog.objects.constraints import Constraint
from limbeck.schema.catalog.objects.routines import Function
from limbeck.schema.catalog.objects.types import Domain
from limbeck.schema.catalog.objects.views import View
from limbeck.schema.diff.fates import Fates
from limbeck.schema.diff.graph import LIKELY, WISH, Graph, Node
from limbeck.schema.diff.part import DomainRule, Part, owner, sub
from limbeck.schema.diff.parts import Parts

NAMED = frozenset(
    {"table", "column", "view", "composite", "enum", "domain", "range", "sequence", "function"}
)
# What is evaluated through: a cast to a domain runs its checks, a view its query.
THROUGH = frozenset({"domain", "domain_check", "function", "operator", "cast", "view", "range"})


def order(graph: Graph, fates: Fates) -> None:
    """Create objects before the functions whose text names them, and both before they run."""
    words = _Words.of(graph, fates.after)
    if not words.actions:
        return
    for node in list(graph.after):
        if node.verb != "drop" and node.address in words.functions:
            for named in words.named(node.address):
                graph.order(node, named, soft=WISH)
    for node in list(graph.after):
        if node.verb != "drop" and _runs(node, graph, fates):
            for function in _called(node.address, fates.after):
                for named in words.reached(function):
                    graph.order(node, named, soft=LIKELY)


@dataclass(frozen=True, slots=True)
class _Words:
    """The names in the bodies of functions, and the actions that bring about what has them.

    `odd` are names that are no single word, such as those with blanks.
    """

    functions: Mapping[Address, Function]
    by_name: Mapping[str, list[Address]]
    actions: Mapping[str, list[Node]]
    odd: AbstractSet[str]
    known: dict[Address, AbstractSet[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, graph: Graph, parts: Parts) -> _Words:
        """Return the functions of a schema, and the actions on objects that they may name."""
        functions: dict[Address, Function] = {}
        by_name: dict[str, list[Address]] = defaultdict(list)
        actions: dict[str, list[Node]] = defaultdict(list)
        for node in graph.after:
            verbs = {"create", "alter"} if node.address.kind == "function" else {"create"}
            if node.verb in verbs and node.address.kind in NAMED:
                actions[_name(node.address, parts.get(node.address))].append(node)
        for address, part in parts.by_address.items() if actions else ():
            if isinstance(part, Function):
                functions[address] = part
                by_name[part.name].append(address)
        odd = {name for name in (*actions, *by_name) if not name.isidentifier()}
        return cls(functions, by_name, actions, odd)

    def named(self, address: Address) -> Iterator[Node]:
        """Yield the actions that create what a function names."""
        words = self._of(address)
        for word in words & self.actions.keys():
            yield from (each for each in self._actions(word, words) if each.verb == "create")

    def reached(self, address: Address) -> Iterator[Node]:
        """Yield the actions on all that a function names, and on what the named ones do."""
        seen, todo = {address}, [address]
        while todo:
            words = self._of(todo.pop())
            for word in words & self.actions.keys():
                yield from self._actions(word, words)
            for word in words & self.by_name.keys():
                new = [other for other in self.by_name[word] if other not in seen]
                seen.update(new)
                todo += new

    def _actions(self, word: str, words: AbstractSet[str]) -> Iterator[Node]:
        """Yield the actions on what has a name; on a column only if its table is named, too."""
        for node in self.actions[word]:
            if node.address.kind != "column" or node.address.name in words:
                yield node

    def _of(self, address: Address) -> AbstractSet[str]:
        if address not in self.known:
            self.known[address] = _words(self.functions[address].definition, self.odd)
        return self.known[address]


def _words(text: str, names: Iterable[str]) -> AbstractSet[str]:
    words = set(re.findall(r"\w+", text))
    return words | {word.lower() for word in words} | {name for name in names if name in text}


def _name(address: Address, part: Part | None) -> str:
    return part.name if isinstance(part, Function) else address.part or address.name


def _runs(node: Node, graph: Graph, fates: Fates) -> bool:
    """Return whether Postgres evaluates the expressions of a part for this action."""
    part, address = fates.after.get(node.address), node.address
    new_table = graph.creates(owner(address))
    if isinstance(part, Column):
        return not new_table
    if address.kind == "default":
        return not new_table and graph.creates(sub(address, "column"))
    if isinstance(part, Constraint):
        return not new_table and part.type in "cx"
    if isinstance(part, DomainRule):
        return not graph.creates(part.domain.address)
    if isinstance(part, View):
        return part.materialized and part.populated
    return address.kind in {"index", "attachment"}


def _called(address: Address, parts: Parts) -> Iterator[Address]:
    """Yield the functions that run when the expressions of a part are evaluated.

    When a column changes, its indexes and checks are built again.
    """
    todo, seen = [address], {address}
    if address.kind == "column":
        kinds = {"index", "constraint", "column"}
        todo += [user for user in parts.users[address] if user.kind in kinds]
    elif address.kind == "attachment":
        todo += [used for used in parts.needs[address] if used.kind == "table"]
    while todo:
        used = todo.pop()
        if used.kind == "function":
            yield used
        needs = set(parts.needs[used])
        if isinstance(domain := parts.get(used), Domain):
            needs |= _checks(domain, parts)
        new = {each for each in needs if each.kind in THROUGH} - seen
        seen |= new
        todo += new


def _checks(domain: Domain, parts: Parts) -> set[Address]:
    return {user for user in parts.users[domain.address] if user.kind == "domain_check"}
