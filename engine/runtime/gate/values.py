"""Names and their values: everything named is declared, and has a value on every way that leads to where it is asked for.

A default flow does not save an undefined name (BPMN.md A9): the case would stop with an error after the clerk's signature. So the
gate follows every way through the drawing and carries the set of names that surely have a value, and besides them promises of the
form *if the outcome was RETURN, return_to was filled in*, which a form's schema gives and a gateway's condition redeems. What a
person may leave empty has no sure value. What a task forgets when it opens again has none either, until it is filled in anew.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import EngineError, Finding, Message
from engine.runtime.expressions import RESERVED, Refused, assignments, parse
from engine.runtime.gate.drawing import DONE, Flow, Process, Shape, at, finding, reachable
from engine.runtime.gate.shapes import message_variable
from engine.runtime.gate.sureness import State, merged
from engine.runtime.reading import local_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.runtime.decisions import Decision
    from engine.runtime.forms import Form
    from engine.runtime.gate.known import Known

FROM_THE_REGISTER = frozenset(
    {
        *("case_no", "household_no", "person_no", "head_name", "household_size", "household_category"),
        *("region_code", "county_code", "patient_name", "patient_id_no"),
    }
)
"""What every case knows when it opens: the columns of the register that are never empty."""
FROM_CHECKS = {
    "X01": "id_valid",
    "X03": "patient_alive",
    "X04": "categories",
    "X12": "insured",
    "X15": "settlement_duplicate",
}
"""What each cross-check always answers (DOMAIN.md B0.7)."""


def check_values(known: Known, process_id: str) -> Iterator[Finding]:
    """Find names that are not declared, asked for without a sure value, or promised to a caller and not set."""
    walk = _Walk(known)
    root = known.processes.get(process_id)
    if root is not None and known.dictionary is not None:
        declared = frozenset(known.dictionary.fields)
        walk.through(root, State(FROM_THE_REGISTER & declared), frozenset())
    yield from dict.fromkeys(walk.findings)


class _Walk:
    """Follows every way through a process and the processes it calls."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.findings: list[Finding] = []
        self.seen: dict[tuple[str, State], State] = {}

    def through(self, process: Process, entry: State, above: frozenset[str]) -> State:
        """Return what is sure after a process that is entered in a state; findings are collected."""
        if process.declares_data:
            self._undeclared(process, process.line, process.id, {*process.inputs, *process.outputs})
            entry = State(frozenset(process.inputs))
        if process.id in above:
            return entry
        if (process.id, entry) not in self.seen:
            self.seen[process.id, entry] = entry
            self.seen[process.id, entry] = self._walk(process, entry, above | {process.id})
        return self.seen[process.id, entry]

    def _walk(self, process: Process, entry: State, above: frozenset[str]) -> State:
        before = _settled(_Round(self, process, above, None), entry)
        said: list[Finding] = []
        last = _Round(self, process, above, said)
        ends = []
        main = reachable(process.main_ways, *(start.id for start in process.starts()))
        for place, state in before.items():
            after = last.after(place, state)
            for flow in process.outgoing.get(place.removesuffix(DONE), ()):
                last.condition(flow, after)
            shape = process.shapes.get(place)
            if (
                shape is not None
                and shape.kind == "endEvent"
                and not shape.scope
                and shape.event != "error"
                and place in main
            ):
                ends.append(after)
                self._outputs(process, shape, after, said)
        self.findings.extend(said)
        return merged(ends) if ends else entry

    def _outputs(self, process: Process, end: Shape, after: State, said: list[Finding]) -> None:
        lacking = sorted(set(process.outputs) - after.names)
        if lacking:
            names = ", ".join(lacking)
            said.append(
                at(
                    process,
                    end,
                    "output-not-set",
                    Message(f"走到这里时 {names} 不一定有值", f"On a way to this end {names} may have no value."),
                    Message("每条路上都要赋值", "Give it a value on every way."),
                )
            )

    def _undeclared(self, process: Process, line: int, element: str, names: set[str]) -> None:
        self.findings.extend(undeclared(self.known, process.path, line, element, names))


def undeclared(known: Known, path: str, line: int, element: str, names: set[str]) -> Iterator[Finding]:
    """Find names the data dictionary does not know, and names nobody may use."""
    for name in sorted(names):
        if name in RESERVED or name.startswith("__"):
            reason = Message(f"“{name}”是保留的名称", f"The name {name!r} is reserved.")
            yield finding(path, line, element, "reserved-name", reason, Message("换一个名称", "Choose another name."))
        elif known.dictionary is not None and name not in known.dictionary:
            reason = Message(f"数据字典里没有“{name}”", f"The data dictionary does not declare {name!r}.")
            yield finding(path, line, element, "undeclared", reason, Message("写进数据字典", "Declare it."))


def _settled(last: _Round, entry: State) -> dict[str, State]:
    """Return what is sure before each place, following the ways until nothing changes."""
    process = last.process
    before: dict[str, State] = {start.id: entry for start in process.starts()}
    arrivals: dict[str, dict[str, State]] = {place: {"": entry} for place in before}
    left = list(before)
    budget = 200 * (len(process.ways) + 1)
    while left and budget:
        budget -= 1
        place = left.pop()
        for target, state in last.onward(place, before[place]):
            arrived = arrivals.setdefault(target, {})
            arrived[place] = state
            joined = last.joined(target, list(arrived.values()))
            if before.get(target) != joined:
                before[target] = joined
                left.append(target)
    return before


@dataclass
class _Round:
    """What each shape does to what is sure; with `said`, faults are written down."""

    walk: _Walk
    process: Process
    above: frozenset[str]
    said: list[Finding] | None

    def onward(self, place: str, state: State) -> Iterator[tuple[str, State]]:
        """Return what is sure at each next place."""
        on_it = set(self.process.attached.get(place, ()))
        after = self.after(place, state)
        flows = {flow.target: flow for flow in self.process.outgoing.get(place.removesuffix(DONE), ())}
        for target in self.process.ways.get(place, ()):
            if target in on_it:
                yield target, state  # what was entered inside does not reach the branch (BPMN.md A7)
            else:
                yield target, _through_flow(self._flow_to(flows, target), after)

    def _flow_to(self, flows: Mapping[str, Flow], target: str) -> Flow | None:
        flow = flows.get(target)
        # Two flows between the same shapes: neither condition is sure.
        same = [
            one for one in self.process.flows if flow is not None and (one.source, one.target) == (flow.source, target)
        ]
        return flow if len(same) == 1 else None

    def joined(self, target: str, states: list[State]) -> State:
        """Return what is sure where ways come together: at a parallel join what any branch brought."""
        shape = self.process.shapes.get(target)
        if shape is not None and shape.kind == "parallelGateway" and len(states) > 1:
            promises = frozenset.intersection(*(state.promises for state in states))
            return State(frozenset().union(*(state.names for state in states)), promises)
        return merged(states)

    def after(self, place: str, state: State) -> State:
        """Return what is sure behind a place."""
        shape = self.process.shapes.get(place)
        if shape is None:
            return state
        for kind, definition in shape.events:
            if kind == "timer":
                for child in definition:
                    self._ask(shape, child.text or "", state)
            elif kind == "message" and (variable := message_variable(shape)):
                self._declared(shape, {variable})
                state = state.given(variable)
        match shape.kind:
            case "userTask":
                return self._person_task(shape, state)
            case "serviceTask":
                return self._script(shape, "postScript", self._service(shape, self._script(shape, "preScript", state)))
            case "businessRuleTask":
                return self._script(shape, "postScript", self._decision(shape, self._script(shape, "preScript", state)))
            case "callActivity":
                return self._script(shape, "postScript", self._call(shape, self._script(shape, "preScript", state)))
        return self._script(shape, "postScript", self._script(shape, "preScript", state))

    def condition(self, flow: Flow, state: State) -> None:
        """Say what the condition of a flow may ask for in vain."""
        if flow.condition:
            self._ask(flow, flow.condition, state)

    def _person_task(self, shape: Shape, state: State) -> State:
        form = (self.walk.known.forms or {}).get((self.process.id, shape.properties.get("form", "")))
        if shape.repetition is not None:
            return self._script(shape, "postScript", self._repeated(shape, self._script(shape, "preScript", state)))
        if form is not None:
            state = state.forgotten(form.reset_fields)
        state = self._script(shape, "preScript", state)
        if form is not None:
            state = _filled_in(form, state)
        return self._script(shape, "postScript", state)

    def _repeated(self, shape: Shape, state: State) -> State:
        parts = {local_name(child): (child.text or "").strip() for child in shape.repetition}
        wanted = parts.get("loopDataInputRef", "")
        if wanted:
            self._ask(shape, wanted, state)
        output = parts.get("loopDataOutputRef", "")
        return state.given(output) if output else state

    def _service(self, shape: Shape, state: State) -> State:
        operator = shape.extensions.get("serviceTaskOperator")
        name = "" if operator is None else operator.get("id", "")
        told = ""
        for one in () if operator is None else operator.iter():
            if local_name(one) == "parameter":
                self._ask(shape, one.get("value", ""), state)
                told += " " + one.get("value", "")
        if name == "cross_check":
            answered = [given for code, given in FROM_CHECKS.items() if code in told]
            return state.given("paid_this_year_fen", *answered)
        return state.given("ledger_entry_no") if name == "write_ledger" else state

    def _decision(self, shape: Shape, state: State) -> State:
        found = (self.walk.known.decisions or {}).get(shape.decision)
        if found is None:
            return state
        table: Decision = found[1]
        asked = {name for column in table.inputs for name in _names(column.expression)}
        for row in table.rows:
            asked |= {name for cell in (*row.conditions, *row.results) if cell is not None for name in cell.names}
        self._lacking(shape, asked - state.names - RESERVED)
        return state.given(*(column.expression for column in table.outputs))

    def _call(self, shape: Shape, state: State) -> State:
        called = self.walk.known.processes.get(shape.node.get("calledElement", ""))
        if called is None:
            return state
        if shape.repetition is not None:
            self.walk.through(called, state, self.above)
            return self._repeated(shape, state)
        if called.declares_data:
            self._lacking(shape, set(called.inputs) - state.names)
            self.walk.through(called, State(), self.above)
            return state.given(*called.outputs)
        return self.walk.through(called, state, self.above)

    def _script(self, shape: Shape, name: str, state: State) -> State:
        try:
            lines = assignments(shape.script(name))
        except EngineError:
            return state  # another rule says so
        for target, expression in lines:
            tree = self._ask(shape, expression, state)
            self._declared(shape, {target})
            state = state.given(target) if tree is None else state.assigned(target, tree)
        return state

    def _ask(self, place: Shape | Flow, expression: str, state: State) -> ast.expr | None:
        try:
            tree = parse(expression).body
        except Refused:
            return None  # another rule says so
        self._declared(place, _names(expression))
        self._lacking(place, state.missing(tree))
        return tree

    def _declared(self, place: Shape | Flow, names: set[str]) -> None:
        if self.said is not None:
            self.said.extend(undeclared(self.walk.known, self.process.path, place.line, place.id, names))

    def _lacking(self, place: Shape | Flow, names: set[str]) -> None:
        if self.said is None or not names:
            return
        declared = self.walk.known.dictionary
        for name in sorted(one for one in names if declared is None or one in declared):
            self.said.append(
                at(
                    self.process,
                    place,
                    "no-value",
                    Message(f"走到这里时“{name}”不一定有值", f"On a way to this place {name!r} may have no value."),
                    Message(
                        "在每条路上先赋值,或在表单里设为必填",
                        "Give it a value on every way, or make its field required.",
                    ),
                )
            )


def _through_flow(flow: Flow | None, state: State) -> State:
    if flow is None or not flow.condition:
        return state
    try:
        return state.knowing(parse(flow.condition).body)
    except Refused:
        return state


def _names(expression: str) -> set[str]:
    try:
        tree = parse(expression)
    except Refused:
        return set()
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}


def _filled_in(form: Form, state: State) -> State:
    """Return what is sure after a form was handed in: what it requires always, and what it requires with an answer."""
    schema = form.content["schema"]
    asked = [name for name in schema["properties"] if name in state.names or name in schema.get("required", ())]
    unsure = frozenset(schema["properties"]) - frozenset(asked)
    state = State(
        state.names | set(asked),
        frozenset(one for one in state.promises if one[0] not in schema["properties"] and one[2] not in asked),
    )
    promises = set()
    for rule in (schema, *(one for one in schema.get("allOf", ()) if isinstance(one, dict))):
        for name, constants in _answers(rule.get("if")):
            for other in (rule.get("then") or {}).get("required", ()):
                promises |= {(name, constant, other) for constant in constants if other in unsure}
    return State(state.names, state.promises | promises)


def _answers(rule: Any) -> Iterator[tuple[str, list[Any]]]:
    """Return the answer that brings a rule of the form about: one name with its constants, and nothing besides."""
    properties = rule.get("properties") if isinstance(rule, dict) else None
    if isinstance(properties, dict) and len(properties) == 1 and set(rule) <= {"properties", "required"}:
        name, wanted = next(iter(properties.items()))
        if isinstance(wanted, dict) and set(wanted) == {"const"}:
            yield name, [wanted["const"]]
        elif isinstance(wanted, dict) and set(wanted) == {"enum"}:
            yield name, list(wanted["enum"])
