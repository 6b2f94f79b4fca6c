"""What is sure at one place of a drawing: names that have a value, and promises of the form *if a is RETURN, b has a value*.

A promise comes from a form whose schema requires one field where another has a certain answer; copying a name copies what is promised of
it, and a condition that names the answer redeems it. Nothing here knows shapes or flows.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Promise = tuple[str, Any, str]
"""(name, constant, other): where the name has this constant, the other name has a value."""


@dataclass(frozen=True)
class State:
    """What is sure at one place: names that have a value, and promises."""

    names: frozenset[str] = frozenset()
    promises: frozenset[Promise] = frozenset()

    def given(self, *names: str) -> State:
        """Return the state after names were given values that nothing is known of."""
        changed = set(names)
        kept = frozenset(one for one in self.promises if one[0] not in changed and one[2] not in changed)
        return State(self.names | changed, kept)

    def forgotten(self, names: frozenset[str]) -> State:
        """Return the state after names were dropped."""
        kept = frozenset(one for one in self.promises if one[0] not in names and one[2] not in names)
        return State(self.names - names, kept)

    def knowing(self, tree: ast.expr) -> State:
        """Return the state where a condition holds: its promises are redeemed."""
        found = set()
        for name, value in _equalities(tree):
            found |= {other for held, constant, other in self.promises if held == name and constant == value}
        return State(self.names | found, self.promises) if found else self

    def missing(self, node: ast.AST) -> set[str]:
        """Return the names an expression may ask for in vain; it asks in Python's order and skips branches as Python does."""
        if isinstance(node, ast.Name):
            return set() if node.id in self.names else {node.id}
        if isinstance(node, ast.Call):
            return set().union(*(self.missing(one) for one in node.args))
        if isinstance(node, ast.IfExp):
            inside = self.knowing(node.test)
            return self.missing(node.test) | inside.missing(node.body) | self.missing(node.orelse)
        if isinstance(node, ast.BoolOp):
            asked: set[str] = set()
            state = self
            for value in node.values:
                asked |= state.missing(value)
                if isinstance(node.op, ast.And):
                    state = state.knowing(value)
            return asked
        return set().union(*(self.missing(child) for child in ast.iter_child_nodes(node)))

    def assigned(self, name: str, tree: ast.expr) -> State:
        """Return the state after `name = expression`: what was promised of a copied name is promised of the copy."""
        pairs = {(constant, other) for _, constant, other in self.promises}
        copied = {(name, constant, other) for constant, other in pairs if _promised(self, tree, constant, other)}
        after = self.given(name)
        return State(after.names, after.promises | {one for one in copied if one[2] != name})


def _promised(state: State, tree: ast.expr, constant: Any, other: str) -> bool:
    if isinstance(tree, ast.Constant):
        return bool(tree.value != constant)
    if isinstance(tree, ast.Name):
        return (tree.id, constant, other) in state.promises
    if isinstance(tree, ast.IfExp):
        return _promised(state, tree.body, constant, other) and _promised(state, tree.orelse, constant, other)
    return False


def _equalities(tree: ast.expr) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        for value in tree.values:
            yield from _equalities(value)
    elif isinstance(tree, ast.Compare) and len(tree.ops) == 1 and isinstance(tree.ops[0], ast.Eq):
        for one, other in ((tree.left, tree.comparators[0]), (tree.comparators[0], tree.left)):
            if isinstance(one, ast.Name) and isinstance(other, ast.Constant):
                yield one.id, other.value


def merged(states: list[State]) -> State:
    """Return what is sure whichever way was taken."""
    names = frozenset.intersection(*(state.names for state in states))
    candidates = frozenset().union(*(state.promises for state in states))
    promises = frozenset(
        one
        for one in candidates
        if one[2] not in names and all(one in state.promises or one[2] in state.names for state in states)
    )
    return State(names, promises)
