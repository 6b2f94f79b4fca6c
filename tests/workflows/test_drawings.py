"""Every drawing is straight, clear and complete enough to hang on an office wall (BPMN.md B and D)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from workflow_picture import Picture

WORKFLOWS = Path(__file__).parents[2] / "workflows"
DRAWINGS = sorted(WORKFLOWS.glob("*.bpmn"))
TASKS = {"userTask", "serviceTask", "businessRuleTask", "callActivity"}
LANES = ["村级", "镇级", "县级", "市级", "省级"]
MOST_SHAPES, MOST_CROSSINGS, LONGEST_NAME = 35, 3, 6


@pytest.fixture(params=DRAWINGS, ids=lambda path: path.stem)
def picture(request):
    return Picture.read(request.param)


def test_there_are_drawings_to_look_at():
    assert {path.stem for path in DRAWINGS} >= {"medical_assistance", "medical_assessment", "public_notice"}


def test_every_shape_and_flow_of_the_model_is_drawn(picture):
    text = picture.path.read_text(encoding="utf-8")
    modelled = set(re.findall(r'<bpmn:(?:\w+(?:Task|Event|Gateway)|callActivity|sequenceFlow) id="([^"]+)"', text))
    assert modelled == {s.id for s in picture.shapes.values() if s.kind != "textAnnotation"} | set(picture.lines)


def test_flows_run_at_right_angles(picture):
    assert picture.slanted() == []


def test_flows_bend_at_most_three_times(picture):
    assert [line.id for line in picture.lines.values() if len(line.points) > 5] == []


def test_no_flow_runs_through_a_shape(picture):
    assert picture.flows_through_shapes() + picture.flows_into_own_shapes() == []


def test_no_flow_runs_through_a_label(picture):
    assert picture.flows_through_labels() == []


def test_no_two_shapes_overlap(picture):
    assert picture.overlapping_shapes() == []


def test_no_label_lies_on_a_shape(picture):
    assert picture.labels_on_shapes() == []


def test_no_label_lies_on_another_label(picture):
    assert picture.labels_on_labels() == []


def test_every_label_has_room_for_its_words(picture):
    for thing in (*picture.shapes.values(), *picture.lines.values()):
        if thing.label is not None:
            needed = sum(13 if ord(char) > 0x2E7F else 7 for char in thing.name)
            assert thing.label.width >= needed, thing.id


def test_every_shape_stands_inside_its_lane_with_room_to_spare(picture):
    assert picture.outside_their_lane() == []


def test_every_shape_stands_in_exactly_one_lane(picture):
    # A drawing that is called from any lane has none of its own; then no shape may claim one.
    members = [member for _, inside in picture.lanes.values() for member in inside]
    drawn = sorted(shape.id for shape in picture.shapes.values() if shape.kind != "textAnnotation")
    assert sorted(members) == (drawn if picture.lanes else [])


def test_lanes_are_the_five_levels_from_the_village_down(picture):
    names = sorted(picture.lanes, key=lambda name: picture.lanes[name][0].top)
    assert names == [lane for lane in LANES if lane in names]
    if picture.path.stem == "medical_assistance":
        assert names == LANES


def test_flows_hardly_ever_cross(picture):
    found = picture.crossings()
    assert len(found) <= MOST_CROSSINGS, found


def test_flows_share_a_line_only_on_the_way_to_the_same_shape(picture):
    assert picture.shared_stretches() == []


def test_a_drawing_is_small_enough_to_read(picture):
    assert len(picture.own_shapes) <= MOST_SHAPES
    if picture.path.stem != "medical_assistance":
        assert len(picture.own_shapes) <= 12, "a called process is one screen"


def test_every_task_has_a_short_name(picture):
    for shape in picture.shapes.values():
        if shape.kind in TASKS:
            assert 2 <= len(shape.name) <= LONGEST_NAME, shape.id
            assert not re.search("处理|相关|进行|[村镇县市省]级(审|批)", shape.name), shape.name


def test_every_gateway_that_splits_asks_and_every_flow_answers(picture):
    for shape in picture.shapes.values():
        leaving = picture.leaving(shape.id)
        if shape.kind == "exclusiveGateway" and len(leaving) > 1:
            assert shape.name.endswith("?"), shape.id
            assert all(line.name for line in leaving), shape.id
            assert len({line.name for line in leaving}) == len(leaving), shape.id


def test_every_event_says_what_happened(picture):
    for shape in picture.shapes.values():
        if shape.kind.endswith("Event"):
            assert shape.name, shape.id


def test_the_picture_shows_no_codes(picture):
    for thing in (*picture.shapes.values(), *picture.lines.values()):
        assert not re.search(r"[A-Z]{2,}|[XC][0-9]", thing.name), thing.name


def test_returns_go_up_and_refusals_go_down(picture):
    for line in picture.lines.values():
        (_, y), (_, onwards) = line.points[:2]
        if line.name.startswith("退回") and line.name != "退回市级":
            assert onwards < y, f"{line.id} should leave upwards"
        if line.name in {"不予救助", "不符合", "不受理"}:
            assert onwards > y, f"{line.id} should leave downwards"


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_the_linter_finds_nothing_but_arrows_that_meet_in_a_task(path):
    command = [Path(sys.executable).with_name("bpmn-io"), "lint", "--config", "recommended", path]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    findings = [
        line for line in told.splitlines() if re.search(r"\b(warning|error)\b ", line) and "fake-join" not in line
    ]
    assert findings == []


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_no_reference_leads_nowhere(path):
    command = [Path(sys.executable).with_name("bpmn-io"), "check", path]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout
    assert "warning" not in answer.stdout + answer.stderr
