# mypy: disallow-subclassing-any=False
"""What the library calls when a drawing says something: conditions, clocks, assignments, decisions and services.

One of these is made for each execution; it holds the surroundings lent to the step, and gives every expression to the one safe
evaluator. The library's own engine would use `eval` with the case's data last (RELIABILITY.md §0.1, §0.2), so none of it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine

from engine.errors import EngineError
from engine.runtime.expressions import SafeEnvironment, assignments
from engine.runtime.surroundings import ServiceCall
from engine.runtime.values import NotCarried, carried, copied

if TYPE_CHECKING:
    from engine.runtime.definition import Definition
    from engine.runtime.surroundings import Surroundings


class Scripts(PythonScriptEngine):
    """The script engine of one execution. `decision` and `result` are what the step that is running has produced."""

    def __init__(self, definition: Definition, surroundings: Surroundings) -> None:
        self._definition = definition
        self._surroundings = surroundings
        self.environment = SafeEnvironment.of(surroundings)
        self.element_id = ""
        self.decision: Any = None
        self.result: dict[str, Any] | None = None

    def begin(self, task: Any) -> None:
        """Forget the last step's results; `task` is the step that runs next."""
        self.element_id = task.task_spec.bpmn_id or task.task_spec.name
        self.decision = None
        self.result = None

    def evaluate(self, task: Any, expression: str, external_context: Any = None) -> Any:  # noqa: ARG002  (the library's own signature)
        """Return the value of an expression over a task's data; raises EngineError naming the shape."""
        try:
            return self.environment.evaluate(expression, task.data)
        except EngineError as error:
            raise self._failed(task, error.reason) from error

    def execute(self, task: Any, script: str, external_context: Any = None) -> bool:  # noqa: ARG002  (the library's own signature)
        """Run assignments over a task's data; raises EngineError naming the shape."""
        try:
            self.environment.execute(script, task.data)
            for name, _ in assignments(script):
                task.data[name] = carried(task.data[name], name)
        except EngineError as error:
            raise self._failed(task, error.reason) from error
        except NotCarried as error:
            raise self._failed(task, str(error)) from error
        return True

    def decide(self, task: Any, decision_id: str) -> None:
        """Let a decision table decide and merge its outputs into the task's data."""
        try:
            self.decision = self._definition.decisions[decision_id].decide(task.data, self.environment)
            task.data.update(carried(dict(self.decision.outputs)))
        except EngineError as error:
            raise self._failed(task, error.reason) from error
        except NotCarried as error:
            raise self._failed(
                task, f"The decision {decision_id!r} gave a value a case cannot carry: {error}"
            ) from error

    def serve(self, task: Any, operator: str, parameters: dict[str, Any]) -> None:
        """Ask the house and merge its answer into the task's data."""
        service = self._surroundings.services.get(operator)
        element_id = task.task_spec.bpmn_id
        if service is None:
            raise self._failed(task, f"Nobody answers the operator {operator!r}")
        call = ServiceCall(operator, element_id, parameters, copied(task.data))
        try:
            answer = carried(dict(service(call)), operator)
        except NotCarried as error:
            raise self._failed(task, f"The operator {operator!r} gave a value a case cannot carry: {error}") from error
        undeclared = self._definition.undeclared(answer)
        if undeclared:
            raise self._failed(task, f"The operator {operator!r} answered with the undeclared names {undeclared}")
        self.result = answer
        task.data.update(copied(answer))

    def _failed(self, task: Any, reason: str) -> EngineError:
        return EngineError(task.task_spec.bpmn_id or task.task_spec.name, reason)
