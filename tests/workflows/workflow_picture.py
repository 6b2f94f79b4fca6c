"""What a drawing looks like, read from its diagram interchange: boxes, labels and lines, with the questions a reader would ask.

Only geometry lives here; what is demanded of a drawing stands in test_drawings.py (BPMN.md B and D).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

from lxml import etree

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {
    "b": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "i": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
}
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle of the picture."""

    left: float
    top: float
    width: float
    height: float

    @classmethod
    def of(cls, bounds: Any) -> Box:
        return cls(*(float(bounds.get(name)) for name in ("x", "y", "width", "height")))

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height

    def overlaps(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def is_cut_by(self, start: Point, end: Point) -> bool:
        """Say whether a horizontal or vertical line passes through the inside."""
        a_hair = 0.01
        return (
            min(start[0], end[0]) < self.right - a_hair
            and max(start[0], end[0]) > self.left + a_hair
            and min(start[1], end[1]) < self.bottom - a_hair
            and max(start[1], end[1]) > self.top + a_hair
        )

    def holds(self, other: Box, spare: float) -> bool:
        return (
            self.left + spare <= other.left
            and other.right <= self.right - spare
            and self.top + spare <= other.top
            and other.bottom <= self.bottom - spare
        )


@dataclass(frozen=True)
class Shape:
    """A shape of the model with its box and its label's box."""

    id: str
    kind: str
    name: str
    box: Box
    label: Box | None
    attached_to: str | None
    is_mark: bool = False


@dataclass(frozen=True)
class Line:
    """A sequence flow as it is drawn."""

    id: str
    name: str
    source: str
    target: str
    points: tuple[Point, ...]
    label: Box | None

    @property
    def pieces(self) -> list[tuple[Point, Point]]:
        return list(pairwise(self.points))


def crossing(one: tuple[Point, Point], other: tuple[Point, Point]) -> Point | None:
    """Return where a horizontal and a vertical piece cross inside both; None where they do not."""
    (ax, ay), (bx, by) = one
    (cx, cy), (dx, dy) = other
    if ay == by and cx == dx:
        if min(ax, bx) < cx < max(ax, bx) and min(cy, dy) < ay < max(cy, dy):
            return cx, ay
        return None
    if ax == bx and cy == dy:
        return crossing(other, one)
    return None


@dataclass
class Picture:
    """One .bpmn file as it is drawn."""

    path: Path
    shapes: dict[str, Shape] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    lanes: dict[str, tuple[Box, frozenset[str]]] = field(default_factory=dict)
    pools: list[Box] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Picture:
        root = etree.parse(path).getroot()
        picture = cls(path)
        by_id = {element.get("id"): element for element in root.iterfind(".//b:*[@id]", NAMES)}
        for drawn in root.iterfind(".//i:BPMNShape", NAMES):
            picture._take_shape(drawn, by_id[drawn.get("bpmnElement")])
        for drawn in root.iterfind(".//i:BPMNEdge", NAMES):
            picture._take_line(drawn, by_id[drawn.get("bpmnElement")])
        return picture

    def _take_shape(self, drawn: Any, element: Any) -> None:
        box = Box.of(drawn.find("dc:Bounds", NAMES))
        kind = etree.QName(element).localname
        if kind == "participant":
            self.pools.append(box)
        elif kind == "lane":
            members = frozenset(ref.text for ref in element.iterfind("b:flowNodeRef", NAMES))
            self.lanes[element.get("name")] = (box, members)
        else:
            label = drawn.find("i:BPMNLabel/dc:Bounds", NAMES)
            self.shapes[element.get("id")] = Shape(
                id=element.get("id"),
                kind=kind,
                name=element.get("name", ""),
                box=box,
                label=None if label is None else Box.of(label),
                attached_to=element.get("attachedToRef"),
                is_mark=element.find("b:escalationEventDefinition", NAMES) is not None,
            )

    def _take_line(self, drawn: Any, element: Any) -> None:
        label = drawn.find("i:BPMNLabel/dc:Bounds", NAMES)
        self.lines[element.get("id")] = Line(
            id=element.get("id"),
            name=element.get("name", ""),
            source=element.get("sourceRef"),
            target=element.get("targetRef"),
            points=tuple((float(p.get("x")), float(p.get("y"))) for p in drawn.iterfind("di:waypoint", NAMES)),
            label=None if label is None else Box.of(label),
        )

    # ---- what a reader would ask -----------------------------------------------------------------------------------

    @cached_property
    def labels(self) -> dict[str, Box]:
        """Every label by what it belongs to."""
        things = (*self.shapes.values(), *self.lines.values())
        return {thing.id: thing.label for thing in things if thing.label is not None}

    @property
    def own_shapes(self) -> list[str]:
        """The shapes that count towards the limit: all but clocks, their marks and the legend."""
        return [s.id for s in self.shapes.values() if not (s.attached_to or s.is_mark or s.kind == "textAnnotation")]

    def slanted(self) -> list[str]:
        return [line.id for line in self.lines.values() for (a, b) in line.pieces if (a[0] != b[0]) == (a[1] != b[1])]

    def flows_through_shapes(self) -> list[str]:
        found = []
        for line in self.lines.values():
            for shape in self.shapes.values():
                own = shape.id in {line.source, line.target} or shape.attached_to in {line.source, line.target}
                host = self.shapes[line.source].attached_to == shape.id
                if not own and not host and any(shape.box.is_cut_by(*piece) for piece in line.pieces):
                    found.append(f"{line.id} through {shape.id}")
        return found

    def flows_into_own_shapes(self) -> list[str]:
        """Flows that run through the inside of the shape they leave or reach, or through a clock on it."""
        found = []
        for line in self.lines.values():
            for shape in self.shapes.values():
                touches = shape.id in {line.source, line.target}
                clock = shape.attached_to in {line.source, line.target} and shape.id != line.source
                if (touches or clock) and any(shape.box.is_cut_by(*piece) for piece in line.pieces):
                    found.append(f"{line.id} through {shape.id}")
        return found

    def flows_through_labels(self) -> list[str]:
        return [
            f"{line.id} through the label of {owner}"
            for line in self.lines.values()
            for owner, label in self.labels.items()
            if any(label.is_cut_by(*piece) for piece in line.pieces)
        ]

    def overlapping_shapes(self) -> list[str]:
        return [
            f"{one.id} on {other.id}"
            for one, other in combinations(self.shapes.values(), 2)
            if one.box.overlaps(other.box) and one.attached_to != other.id and other.attached_to != one.id
        ]

    def labels_on_shapes(self) -> list[str]:
        return [
            f"label of {owner} on {shape.id}"
            for owner, label in self.labels.items()
            for shape in self.shapes.values()
            if label.overlaps(shape.box)
        ]

    def labels_on_labels(self) -> list[str]:
        return [
            f"label of {one} on label of {other}"
            for (one, first), (other, second) in combinations(self.labels.items(), 2)
            if first.overlaps(second)
        ]

    def outside_their_lane(self) -> list[str]:
        return [
            f"{member} in {name}"
            for name, (box, members) in self.lanes.items()
            for member in sorted(members)
            if not box.holds(self.shapes[member].box, 4)
        ]

    def crossings(self) -> list[str]:
        """Where two flows cross; flows to the same target may run together."""
        found = []
        for one, other in combinations(self.lines.values(), 2):
            for piece in one.pieces:
                for another in other.pieces:
                    point = crossing(piece, another)
                    if point is not None:
                        found.append(f"{one.id} and {other.id} at {point}")
        return found

    def shared_stretches(self) -> list[str]:
        """Flows that run on one line although they have different targets."""
        found = []
        for one, other in combinations(self.lines.values(), 2):
            if one.target == other.target:
                continue
            for a, b in one.pieces:
                for c, d in other.pieces:
                    if a[0] == b[0] == c[0] == d[0] and self._together(a[1], b[1], c[1], d[1]):
                        found.append(f"{one.id} and {other.id}")
                    if a[1] == b[1] == c[1] == d[1] and self._together(a[0], b[0], c[0], d[0]):
                        found.append(f"{one.id} and {other.id}")
        return found

    @staticmethod
    def _together(a: float, b: float, c: float, d: float) -> bool:
        return max(min(a, b), min(c, d)) < min(max(a, b), max(c, d))

    def leaving(self, shape: str) -> list[Line]:
        return [line for line in self.lines.values() if line.source == shape]
