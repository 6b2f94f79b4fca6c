"""How an event tells the steps the process took by itself: which table said what, which service answered what, which way was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.runtime import Definition, Step

JSON = Any


def step_words(step: Step, definition: Definition) -> dict[str, JSON]:
    """Return one step as the event's JSON."""
    words: dict[str, JSON] = {"element": step.element_id, "kind": step.kind}
    if step.taken:
        words["taken"] = list(step.taken)
    if step.decision is not None:
        words["table"] = step.decision.table
        words["title"] = definition.decisions[step.decision.table].name
        words["hit_policy"] = step.decision.hit_policy
        words["inputs"] = dict(step.decision.inputs)
        words["outputs"] = dict(step.decision.outputs)
        words["hits"] = [{"number": hit.number, "id": hit.id, "citation": hit.citation} for hit in step.decision.hits]
    elif step.result is not None:
        words["result"] = dict(step.result)
    return words
