# mypy: disallow-subclassing-any=False
# ruff: noqa: SLF001 (the adapter is where the library's inside is known)
"""The shapes of a drawing as SpiffWorkflow runs them for us: its specs, with the few behaviours we own put in their place.

Everything here is a registered subclass; nothing of the library is patched. What differs from the library: a clock is armed once
and fires only when it is told to (the engine's due row is the authority, DESIGN.md §3.7); a decision is our own DMN reader, whose
hits are recorded; a service task asks the house and merges the answer; a user task forgets its last answers when it opens again
(BPMN.md A9). The parser classes that build these specs from XML are here as well, because a spec and its parser change together.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from SpiffWorkflow.bpmn.parser.event_parsers import EventBasedGatewayParser
from SpiffWorkflow.bpmn.parser.util import first, full_tag
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException
from SpiffWorkflow.bpmn.specs.defaults import BoundaryEvent, EventBasedGateway, IntermediateCatchEvent
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.spiff.parser.event_parsers import SpiffBoundaryEventParser, SpiffIntermediateCatchEventParser
from SpiffWorkflow.spiff.parser.process import VALIDATOR, SpiffBpmnParser
from SpiffWorkflow.spiff.parser.task_spec import (
    BusinessRuleTaskParser,
    CallActivityParser,
    ServiceTaskParser,
    SubWorkflowParser,
    UserTaskParser,
)
from SpiffWorkflow.spiff.specs.defaults import (
    CallActivity,
    ParallelMultiInstanceTask,
    SequentialMultiInstanceTask,
    ServiceTask,
    SubWorkflowTask,
    UserTask,
)
from SpiffWorkflow.spiff.specs.spiff_task import SpiffBpmnTask
from SpiffWorkflow.util.task import TaskState

from engine.errors import EngineError
from engine.instants import to_text


class Clock(TimerEventDefinition):
    """A clock in the drawing: its due moment is worked out once, when it is armed, and it rings only when it is fired.

    `limit_days` is n where the drawing says workdays(n), else None.
    """

    limit_days: int | None = None

    def has_fired(self, my_task: Any) -> bool:
        """Say whether it was fired; arm it if it was not armed yet. The wall clock is never read."""
        if "event_value" not in my_task.internal_data:
            my_task.internal_data["event_value"] = self._due(my_task)
        return bool(my_task.internal_data.get("event_fired", False))

    def _due(self, my_task: Any) -> str:
        """Return the due moment as stored text; the expression must give an aware moment or its ISO 8601 text."""
        value = my_task.workflow.script_engine.evaluate(my_task, self.expression)
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            return to_text(moment)
        except (TypeError, ValueError) as error:
            raise EngineError(
                my_task.task_spec.name, f"Expected {self.expression!r} to give a moment with its zone, found {value!r}"
            ) from error


class EventChoice(EventBasedGateway):
    """A gateway that waits for the first of several events; the shapes behind it are made as soon as it waits, to be named."""

    def _update_hook(self, my_task: Any) -> Any:
        fired = super()._update_hook(my_task)
        if not my_task.children:
            my_task._sync_children(self.outputs, TaskState.MAYBE)
        return fired


class PersonTask(UserTask):
    """A step a person takes; `reset_fields` are the answers it forgets when it opens again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reset_fields: frozenset[str] = frozenset()


class DecisionTask(SpiffBpmnTask):
    """A step a decision table takes; who reads the table and records its hits is the script engine of the case."""

    def __init__(self, wf_spec: Any, name: str, decision_id: str, **kwargs: Any) -> None:
        super().__init__(wf_spec, name, **kwargs)
        self.decision_id = decision_id

    def _run_hook(self, my_task: Any) -> bool:
        my_task.workflow.script_engine.decide(my_task, self.decision_id)
        return True


class HouseTask(ServiceTask):
    """A step the house takes: the operator's answer is merged into the case's data."""

    def _execute(self, my_task: Any) -> bool:
        scripts = my_task.workflow.script_engine
        parameters = {name: scripts.evaluate(my_task, param["value"]) for name, param in self.operation_params.items()}
        scripts.serve(my_task, self.operation_name, parameters)
        return True


class _TextKeys:
    """Lets a repeated step collect its answers in a dictionary with text keys only, as a case can carry no others."""

    data_output: Any

    def merge_child(self, workflow: Any, child: Any) -> None:
        """Merge an instance's answer as the library does; the place in a list becomes the text of its number."""
        super().merge_child(workflow, child)  # type: ignore[misc]
        collected = self.data_output.get(child.parent) if self.data_output is not None else None
        if isinstance(collected, dict):
            for key in [key for key in collected if type(key) is int]:
                collected[str(key)] = collected.pop(key)


class AllAtOnce(_TextKeys, ParallelMultiInstanceTask):
    """A step repeated for every item at the same time."""


class OneByOne(_TextKeys, SequentialMultiInstanceTask):
    """A step repeated for one item after another."""


class _Repeating:
    PARALLEL_MI_CLASS = AllAtOnce
    SEQUENTIAL_MI_CLASS = OneByOne


class _ClockParser:
    """Reads the only clocks that are allowed: a `timeDate` with an expression."""

    node: Any
    filename: str

    def parse_timer_event(self, event: Any) -> Clock:
        time_date = first(self.xpath(".//bpmn:timeDate"))  # type: ignore[attr-defined]
        if time_date is None or not (time_date.text or "").strip():
            raise ValidationException(
                "A clock must have a timeDate such as workdays(10)", node=self.node, file_name=self.filename
            )
        name = self.node.get("id")
        return Clock(name, time_date.text.strip(), description=self.get_event_description(event))  # type: ignore[attr-defined]


class _BoundaryParser(_ClockParser, SpiffBoundaryEventParser):
    pass


class _CatchParser(_ClockParser, SpiffIntermediateCatchEventParser):
    pass


class _CallParser(_Repeating, CallActivityParser):
    pass


class _SubProcessParser(_Repeating, SubWorkflowParser):
    pass


class _PersonTaskParser(_Repeating, UserTaskParser):
    def create_task(self) -> Any:
        extensions = self.parse_extensions()
        return self.spec_class(
            self.spec,
            self.bpmn_id,
            variable=extensions.get("variableName"),
            prescript=extensions.get("preScript"),
            postscript=extensions.get("postScript"),
            **self.bpmn_attributes,
        )


class _DecisionTaskParser(BusinessRuleTaskParser):
    def create_task(self) -> Any:
        extensions = self.parse_extensions()
        decision_id = extensions.get("calledDecisionId")
        if not decision_id:
            raise ValidationException("A rule task must name its decision", node=self.node, file_name=self.filename)
        return self.spec_class(
            self.spec,
            self.bpmn_id,
            decision_id=decision_id,
            prescript=extensions.get("preScript"),
            postscript=extensions.get("postScript"),
            **self.bpmn_attributes,
        )


class DrawingParser(SpiffBpmnParser):
    """SpiffWorkflow's parser with our shapes registered in place of its own."""

    OVERRIDE_PARSER_CLASSES = {  # noqa: RUF012  (the library's own attribute)
        **SpiffBpmnParser.OVERRIDE_PARSER_CLASSES,
        full_tag("userTask"): (_PersonTaskParser, PersonTask),
        full_tag("callActivity"): (_CallParser, CallActivity),
        full_tag("subProcess"): (_SubProcessParser, SubWorkflowTask),
        full_tag("businessRuleTask"): (_DecisionTaskParser, DecisionTask),
        full_tag("serviceTask"): (ServiceTaskParser, HouseTask),
        full_tag("eventBasedGateway"): (EventBasedGatewayParser, EventChoice),
        full_tag("boundaryEvent"): (_BoundaryParser, BoundaryEvent),
        full_tag("intermediateCatchEvent"): (_CatchParser, IntermediateCatchEvent),
    }

    def __init__(self) -> None:
        super().__init__(validator=VALIDATOR)


__all__ = ["Clock", "DecisionTask", "DrawingParser", "HouseTask", "PersonTask"]
