"""Who does a step: its lane, its post, its duty, its form; and which operator of the house an automatic step asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import Finding, Message
from engine.people.levels import Level
from engine.runtime.gate.conditions import unreadable
from engine.runtime.gate.drawing import Process, Shape, at, finding
from engine.runtime.reading import local_name
from engine.runtime.surroundings import SERVICE_OPERATORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.runtime.gate.known import Known

DUTIES = frozenset({"survey", "review", "approve", "pay", "file"})
LANES = {level.lane: level for level in Level}


def check_people(process: Process, known: Known, *, is_called: bool) -> Iterator[Finding]:
    """Find steps without lane, post, duty or form, and lanes, posts and operators that do not exist."""
    yield from _lanes(process, is_called=is_called)
    for shape in process.shapes.values():
        if shape.kind == "userTask":
            yield from _person_task(process, shape, known)
        elif shape.kind == "serviceTask":
            yield from _operator(process, shape)


def _lanes(process: Process, *, is_called: bool) -> Iterator[Finding]:
    for name, (line, identity) in process.lane_lines.items():
        if name not in LANES:
            yield finding(
                process.path,
                line,
                identity,
                "unknown-lane",
                Message(f"没有“{name[:20]}”这一层级", f"There is no level {name[:20]!r}."),
                Message("泳道只能是" + "、".join(LANES), "Name lanes " + ", ".join(LANES) + " only."),
            )
    if not process.lane_lines and is_called:
        return
    for shape in process.shapes.values():
        found = process.lanes.get(shape.id, ())
        if len(set(found)) > 1 or len(found) > 1:
            yield at(
                process,
                shape,
                "two-lanes",
                Message(
                    f"“{shape.name or shape.id}”同时在 {len(found)} 条泳道里",
                    f"{shape.id} stands in {len(found)} lanes.",
                ),
                Message("只放进一条泳道", "Put it into one lane."),
            )
        elif not found and not shape.scope and (process.lane_lines or shape.kind == "userTask"):
            yield at(
                process,
                shape,
                "no-lane",
                Message(f"“{shape.name or shape.id}”不在任何泳道里", f"{shape.id} stands in no lane."),
                Message("放进负责的层级", "Put it into the lane of the level that answers for it."),
            )


def _person_task(process: Process, shape: Shape, known: Known) -> Iterator[Finding]:
    post, duty, form = (shape.properties.get(name, "") for name in ("post", "duty", "form"))
    if not post or (known.posts is not None and post not in known.posts):
        yield at(
            process,
            shape,
            "unknown-post",
            Message(f"岗位“{post}”不在机构表里", f"The post {post!r} is not in the organisation."),
            Message("写上机构表里的岗位代码", "Name a post of organisation.json."),
        )
    elif known.posts is not None:
        level = LANES.get((process.lanes.get(shape.id) or ("",))[0])
        if level is not None and known.posts[post] != level.name:
            yield at(
                process,
                shape,
                "post-level",
                Message(f"岗位 {post} 不是{level.lane}的", f"The post {post} is not of the level {level.name}."),
                Message("换岗位或换泳道", "Change the post or the lane."),
            )
    if duty not in DUTIES:
        yield at(
            process,
            shape,
            "unknown-duty",
            Message(f"没有“{duty}”这种职责", f"There is no duty {duty!r}."),
            Message("写 " + "、".join(sorted(DUTIES)), "Write one of " + ", ".join(sorted(DUTIES)) + "."),
        )
    if not form or (known.forms is not None and (process.id, form) not in known.forms):
        yield at(
            process,
            shape,
            "form-missing",
            Message(f"没有表单 forms/{process.id}/{form}.json", f"There is no form forms/{process.id}/{form}.json."),
            Message("写出表单,或改正名称", "Write the form, or correct its name."),
        )


def _operator(process: Process, shape: Shape) -> Iterator[Finding]:
    element = shape.extensions.get("serviceTaskOperator")
    name = "" if element is None else element.get("id", "")
    if name not in SERVICE_OPERATORS:
        yield at(
            process,
            shape,
            "unknown-operator",
            Message(f"没有“{name}”这个服务", f"There is no operator {name!r}."),
            Message("可用的有 " + "、".join(SERVICE_OPERATORS), "Use one of " + ", ".join(SERVICE_OPERATORS) + "."),
        )
    for one in () if element is None else element.iter():
        if local_name(one) == "parameter" and (error := unreadable(one.get("value", ""))) is not None:
            yield at(
                process,
                shape,
                "condition",
                Message(f"服务参数不能识别:{error}", f"A parameter is not in the language: {error}"),
                Message("只用名称、比较和算术", "Use names, comparisons and arithmetic only."),
            )
