"""Write a first .bpmn from a table of shapes and flows, so that a drawing starts out straight.

It knows our grid (sizes, clocks with their 督办 mark, label boxes, colours: BPMN.md B) and writes the model and the picture
together. It leaves to the author where things stand: the table names a centre for every shape and a side for every end of
a flow. Why a table and no automatic layout: the tools that exist drop lanes or lead flows through shapes.

The .bpmn stays the source of truth. Once it is drawn it may be edited in any modeler, and then the table is history;
tests/workflows/ looks only at the .bpmn.

    python docs/drawing/draw.py docs/drawing/medical_assistance.toml workflows/medical_assistance.bpmn
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from typing import Any

from lxml import etree

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
BPMNDI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
DI = "http://www.omg.org/spec/DD/20100524/DI"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
SPIFF = "http://spiffworkflow.org/bpmn/schema/1.0/core"
COLOR = "http://www.omg.org/spec/BPMN/non-normative/color/1.0"
NAMESPACES = {"bpmn": BPMN, "bpmndi": BPMNDI, "dc": DC, "di": DI, "xsi": XSI, "spiffworkflow": SPIFF, "color": COLOR}

COLOURS = {"return": "#b45309", "refusal": "#b42318", "clock": "#7a8591"}
TASKS = {"userTask", "serviceTask", "businessRuleTask", "callActivity"}
GATEWAYS = {"exclusiveGateway", "parallelGateway", "eventBasedGateway"}

POOL_LEFT, POOL_TOP, BAND = 20, 20, 30
LABEL_HEIGHT = 18
LAST_NARROW = 0x2E7F  # beyond it begin the full-width characters
CLOCK_DROP, CLOCK_ASIDE = 58, 88

Point = tuple[float, float]


def size(kind: str) -> Point:
    """Width and height of a shape on our grid, in pixels (BPMN.md B1)."""
    if kind in TASKS:
        return 100, 80
    return (50, 50) if kind in GATEWAYS else (36, 36)


def label_width(text: str) -> int:
    """Width of a label box: full-width characters take 13 px, the others 8 (BPMN.md B1)."""
    return sum(13 if ord(char) > LAST_NARROW else 8 for char in text) + 8


class Drawing:
    """One table, read and then written as BPMN with its picture."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.head = table["drawing"]
        self.lanes = table.get("lanes", [])
        self.shapes = {shape["id"]: shape for shape in table["shapes"]}
        self.flows = table["flows"]
        self.messages = table.get("messages", {})
        self.root = etree.Element(
            f"{{{BPMN}}}definitions",
            nsmap=NAMESPACES,
            id=f"D_{self.head['process']}",
            targetNamespace="https://bangfu.example/workflows",
        )
        self.plane_items: list[etree._Element] = []

    # -- the model ---------------------------------------------------------------------------------------------------

    def write(self) -> bytes:
        """Return the file: model first, then the picture."""
        process_id = self.head["process"]
        for message, name in self.messages.items():
            self._add(self.root, "message", id=message, name=name)
        if any("clock" in shape for shape in self.shapes.values()):
            self._add(self.root, "escalation", id=self._own("S_supervise"), name="督办", escalationCode="SUPERVISE")
        if self.lanes:
            pool = self._add(self.root, "collaboration", id=self._own("C_pool"))
            self._add(pool, "participant", id=self._own("P_pool"), name=self.head["name"], processRef=process_id)
        process = self._add(self.root, "process", id=process_id, name=self.head["name"], isExecutable="true")
        self._document(process, self.head)
        self._declare_data(process)
        if self.lanes:
            self._write_lanes(process)
        for shape in self.shapes.values():
            self._write_shape(process, shape)
        for flow in self.flows:
            self._write_flow(process, flow)
        if "legend" in self.head:
            legend = self._add(process, "textAnnotation", id=self._own("N_legend"))
            self._add(legend, "text").text = self.head["legend"]["text"]
        self._write_picture()
        return etree.tostring(self.root, xml_declaration=True, encoding="UTF-8", pretty_print=True)

    def _own(self, stem: str) -> str:
        return f"{stem}_{self.head['process']}"

    def _add(self, parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
        return etree.SubElement(parent, f"{{{BPMN}}}{tag}", {k.rstrip("_"): v for k, v in attributes.items()})

    def _document(self, element: etree._Element, row: dict[str, Any]) -> None:
        if "documentation" in row:
            self._add(element, "documentation").text = row["documentation"].strip()

    def _declare_data(self, process: etree._Element) -> None:
        data = self.head.get("data")
        if not data:
            return
        declaration = self._add(process, "ioSpecification")
        for direction in ("Input", "Output"):
            for name in data[direction.lower()]:
                self._add(declaration, f"data{direction}", id=name, name=name)
        for direction in ("Input", "Output"):
            group = self._add(declaration, f"{direction.lower()}Set")
            for name in data[direction.lower()]:
                self._add(group, f"data{direction}Refs").text = name

    def _write_lanes(self, process: etree._Element) -> None:
        lane_set = self._add(process, "laneSet", id=self._own("LS"))
        top = POOL_TOP
        for lane in self.lanes:
            element = self._add(lane_set, "lane", id=lane["id"], name=lane["name"])
            for shape in self.shapes.values():
                if top <= shape["at"][1] < top + lane["height"]:
                    self._add(element, "flowNodeRef").text = shape["id"]
                    if "clock" in shape:
                        stem = shape["id"].split("_", 1)[1]
                        self._add(element, "flowNodeRef").text = f"B_{stem}"
                        self._add(element, "flowNodeRef").text = f"X_{stem}"
            top += lane["height"]

    def _write_shape(self, process: etree._Element, shape: dict[str, Any]) -> None:
        kind = shape["kind"]
        attributes = {"id": shape["id"]}
        if "name" in shape:
            attributes["name"] = shape["name"]
        if kind == "callActivity":
            attributes["calledElement"] = shape["calls"]
        default = next((f["id"] for f in self.flows if f["from"][0] == shape["id"] and f.get("default")), None)
        if default:
            attributes["default"] = default
        element = self._add(process, kind, **attributes)
        self._document(element, shape)
        self._extend(element, shape)
        for flow in self.flows:
            if flow["to"][0] == shape["id"]:
                self._add(element, "incoming").text = flow["id"]
        for flow in self.flows:
            if flow["from"][0] == shape["id"]:
                self._add(element, "outgoing").text = flow["id"]
        self._define_event(element, shape)
        if "clock" in shape:
            self._write_clock(process, shape)

    def _extend(self, element: etree._Element, shape: dict[str, Any]) -> None:
        extensions = etree.Element(f"{{{BPMN}}}extensionElements")
        if "properties" in shape:
            group = etree.SubElement(extensions, f"{{{SPIFF}}}properties")
            for name, value in shape["properties"].items():
                etree.SubElement(group, f"{{{SPIFF}}}property", name=name, value=str(value))
        if "operator" in shape:
            operator = etree.SubElement(extensions, f"{{{SPIFF}}}serviceTaskOperator", id=shape["operator"])
            group = etree.SubElement(operator, f"{{{SPIFF}}}parameters")
            for name, value in shape["parameters"].items():
                etree.SubElement(
                    group, f"{{{SPIFF}}}parameter", id=name, type="str", value=repr(value).replace("'", '"')
                )
        if "decision" in shape:
            etree.SubElement(extensions, f"{{{SPIFF}}}calledDecisionId").text = shape["decision"]
        for moment in ("preScript", "postScript"):
            if moment in shape:
                etree.SubElement(extensions, f"{{{SPIFF}}}{moment}").text = shape[moment].strip()
        if len(extensions):
            element.append(extensions)

    def _define_event(self, element: etree._Element, shape: dict[str, Any]) -> None:
        if shape.get("terminates"):
            self._add(element, "terminateEventDefinition", id=f"{shape['id']}_td")
        if "message" in shape:
            event = self._add(element, "messageEventDefinition", id=f"{shape['id']}_md", messageRef=shape["message"])
            inner = self._add(event, "extensionElements")
            etree.SubElement(inner, f"{{{SPIFF}}}messageVariable").text = shape["variable"]
        if "until" in shape:
            self._time(element, shape["id"], shape["until"])

    def _time(self, element: etree._Element, stem: str, expression: str) -> None:
        event = self._add(element, "timerEventDefinition", id=f"{stem}_td")
        date = self._add(event, "timeDate")
        date.set(f"{{{XSI}}}type", "bpmn:tFormalExpression")
        date.text = expression

    def _write_clock(self, process: etree._Element, shape: dict[str, Any]) -> None:
        stem = shape["id"].split("_", 1)[1]
        boundary = self._add(
            process,
            "boundaryEvent",
            id=f"B_{stem}",
            name=f"{shape['clock']}工作日",
            cancelActivity="false",
            attachedToRef=shape["id"],
        )
        self._add(boundary, "outgoing").text = f"F_late_{stem}"
        self._time(boundary, f"B_{stem}", f"workdays({shape['clock']})")
        mark = self._add(process, "endEvent", id=f"X_{stem}", name="督办")
        self._add(mark, "incoming").text = f"F_late_{stem}"
        self._add(mark, "escalationEventDefinition", id=f"X_{stem}_ed", escalationRef=self._own("S_supervise"))
        self._add(process, "sequenceFlow", id=f"F_late_{stem}", sourceRef=f"B_{stem}", targetRef=f"X_{stem}")

    def _write_flow(self, process: etree._Element, flow: dict[str, Any]) -> None:
        attributes = {"id": flow["id"], "sourceRef": flow["from"][0], "targetRef": flow["to"][0]}
        if "name" in flow:
            attributes["name"] = flow["name"]
        element = self._add(process, "sequenceFlow", **attributes)
        if "when" in flow:
            condition = self._add(element, "conditionExpression")
            condition.set(f"{{{XSI}}}type", "bpmn:tFormalExpression")
            condition.text = flow["when"]

    # -- the picture -------------------------------------------------------------------------------------------------

    def _write_picture(self) -> None:
        diagram = etree.SubElement(self.root, f"{{{BPMNDI}}}BPMNDiagram", id=self._own("DI"))
        on = self._own("C_pool") if self.lanes else self.head["process"]
        self.plane = etree.SubElement(diagram, f"{{{BPMNDI}}}BPMNPlane", id=self._own("PL"), bpmnElement=on)
        if self.lanes:
            self._draw_pool()
        for shape in self.shapes.values():
            self._draw_shape(shape)
        for flow in self.flows:
            self._draw_flow(flow)
        if "legend" in self.head:
            legend = self.head["legend"]
            self._box(self._own("N_legend"), legend["at"][0], legend["at"][1], *legend["size"])

    def _draw_pool(self) -> None:
        height = sum(lane["height"] for lane in self.lanes)
        pool = self._box(self._own("P_pool"), POOL_LEFT, POOL_TOP, self.head["width"], height)
        pool.set("isHorizontal", "true")
        top = POOL_TOP
        for lane in self.lanes:
            box = self._box(lane["id"], POOL_LEFT + BAND, top, self.head["width"] - BAND, lane["height"])
            box.set("isHorizontal", "true")
            top += lane["height"]

    def _box(
        self, element: str, x: float, y: float, width: float, height: float, colour: str | None = None
    ) -> etree._Element:
        shape = etree.SubElement(self.plane, f"{{{BPMNDI}}}BPMNShape", id=f"{element}_di", bpmnElement=element)
        if colour:
            shape.set(f"{{{COLOR}}}border-color", COLOURS[colour])
        etree.SubElement(shape, f"{{{DC}}}Bounds", x=f"{x:g}", y=f"{y:g}", width=f"{width:g}", height=f"{height:g}")
        return shape

    def _label(self, owner: etree._Element, text: str, x: float, y: float) -> None:
        label = etree.SubElement(owner, f"{{{BPMNDI}}}BPMNLabel")
        width = label_width(text)
        etree.SubElement(
            label, f"{{{DC}}}Bounds", x=f"{x:g}", y=f"{y:g}", width=f"{width:g}", height=f"{LABEL_HEIGHT:g}"
        )

    def _draw_shape(self, shape: dict[str, Any]) -> None:
        width, height = size(shape["kind"])
        x, y = shape["at"]
        box = self._box(shape["id"], x - width / 2, y - height / 2, width, height, shape.get("colour"))
        if shape["kind"] == "exclusiveGateway":
            box.set("isMarkerVisible", "true")
        if "name" in shape and shape["kind"] not in TASKS:
            text = shape["name"]
            place = shape.get("label", "below")
            if isinstance(place, list):
                left, top = x + place[0], y + place[1]
            elif place == "below":
                left, top = x - label_width(text) / 2, y + height / 2 + 4
            elif place == "above":
                left, top = x - label_width(text) / 2, y - height / 2 - LABEL_HEIGHT - 4
            else:
                left, top = x + width / 2 + 4, y - LABEL_HEIGHT / 2
            self._label(box, text, left, top)
        if "clock" in shape:
            self._draw_clock(shape)

    def _draw_clock(self, shape: dict[str, Any]) -> None:
        stem = shape["id"].split("_", 1)[1]
        x, y = shape["at"][0] + 30, shape["at"][1] + 40
        text = f"{shape['clock']}工作日"
        aside = shape.get("mark") == "right"
        clock = self._box(f"B_{stem}", x - 18, y - 18, 36, 36, "clock")
        self._label(clock, text, x + 14 if aside else x + 22, y + 20 if aside else y + 4)
        mark_x, mark_y = (x + CLOCK_ASIDE, y) if aside else (x, y + CLOCK_DROP)
        mark = self._box(f"X_{stem}", mark_x - 18, mark_y - 18, 36, 36, "clock")
        self._label(mark, "督办", mark_x + 22, mark_y - 9)
        points = [(x + 18, y), (mark_x - 18, y)] if aside else [(x, y + 18), (x, mark_y - 18)]
        self._edge(f"F_late_{stem}", points, "clock")

    def _edge(self, element: str, points: list[Point], colour: str | None) -> etree._Element:
        edge = etree.SubElement(self.plane, f"{{{BPMNDI}}}BPMNEdge", id=f"{element}_di", bpmnElement=element)
        if colour:
            edge.set(f"{{{COLOR}}}border-color", COLOURS[colour])
        for x, y in points:
            etree.SubElement(edge, f"{{{DI}}}waypoint", x=f"{x:g}", y=f"{y:g}")
        return edge

    def _anchor(self, end: list[Any]) -> Point:
        """The point where a flow touches a shape: a side (L R T B) and an optional shift along it."""
        shape = self.shapes[end[0]]
        width, height = size(shape["kind"])
        x, y = shape["at"]
        shift = end[2] if end[2:] else 0
        return {
            "L": (x - width / 2, y + shift),
            "R": (x + width / 2, y + shift),
            "T": (x + shift, y - height / 2),
            "B": (x + shift, y + height / 2),
        }[end[1]]

    def _draw_flow(self, flow: dict[str, Any]) -> None:
        start, end = self._anchor(flow["from"]), self._anchor(flow["to"])
        points = [start]
        for step in flow.get("via", []):
            axis, value = step.split("=")
            x, y = points[-1]
            points.append((float(value), y) if axis == "x" else (x, float(value)))
        last = points[-1]
        if last[0] != end[0] and last[1] != end[1]:
            leaves_upright = flow["to"][1] in "LR"
            points.append((last[0], end[1]) if leaves_upright else (end[0], last[1]))
        points.append(end)
        edge = self._edge(flow["id"], points, flow.get("colour"))
        if "name" in flow:
            shift = flow.get("label")
            x, y = start
            width = label_width(flow["name"])
            default = {"R": (14, -22), "L": (-14 - width, -22), "T": (6, -30), "B": (6, 10)}[flow["from"][1]]
            dx, dy = shift or default
            self._label(edge, flow["name"], x + dx, y + dy)


def main() -> None:
    """Read the table named first and write the drawing named second."""
    parser = argparse.ArgumentParser(description="Write a first .bpmn from a table of shapes and flows.")
    parser.add_argument("table", type=Path)
    parser.add_argument("drawing", type=Path)
    arguments = parser.parse_args()
    table = tomllib.loads(arguments.table.read_text(encoding="utf-8"))
    arguments.drawing.write_bytes(Drawing(table).write())


if __name__ == "__main__":
    main()
