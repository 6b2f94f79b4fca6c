# ruff: noqa: E501, PERF401 (XML is written as it is read)
"""Drawings and tables by people who mean harm, or whose editor broke: the gate answers with findings, quickly, and runs nothing (F25)."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

import pytest

from engine.runtime.bundle import Bundle
from engine.runtime.gate import check_bundle, check_file
from tests.hostile.canary import quiet

WORKFLOWS = Path(__file__).parents[2] / "workflows"
BPMN = 'xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core"'
LIMIT = 1.0
"""Seconds of processor time one file may take."""


def drawing(body: str, before: str = "", process: str = 'id="p"') -> bytes:
    return f'{before}<bpmn:definitions {BPMN} id="D"><bpmn:process {process}>{body}</bpmn:process></bpmn:definitions>'.encode()


def dmn(cell: str = "-", result: str = "1", policy: str = "FIRST", rules: int = 1, before: str = "") -> bytes:
    rule = f"<rule><description>c</description><inputEntry><text>{cell}</text></inputEntry><outputEntry><text>{result}</text></outputEntry></rule>"
    return (
        f'{before}<definitions id="D"><decision id="d"><decisionTable id="t" hitPolicy="{policy}">'
        f'<input id="i"><inputExpression><text>x</text></inputExpression></input><output id="o" name="y"/>{rule * rules}'
        "</decisionTable></decision></definitions>"
    ).encode()


def chain(count: int) -> str:
    tasks = "".join(f'<bpmn:userTask id="T{number}"/>' for number in range(count))
    return tasks + "".join(
        f'<bpmn:sequenceFlow id="F{number}" sourceRef="T{number}" targetRef="T{number + 1}"/>'
        for number in range(count - 1)
    )


def ladder(count: int) -> str:
    """Gateways one behind the other with two ways each: 2**count ways through."""
    parts = ['<bpmn:startEvent id="S"/><bpmn:sequenceFlow id="FS" sourceRef="S" targetRef="G0"/>']
    for number in range(count):
        parts.append(f'<bpmn:exclusiveGateway id="G{number}"/><bpmn:exclusiveGateway id="H{number}"/>')
        for side in "ab":
            parts.append(f'<bpmn:sequenceFlow id="F{side}{number}" sourceRef="G{number}" targetRef="H{number}"/>')
        parts.append(f'<bpmn:sequenceFlow id="N{number}" sourceRef="H{number}" targetRef="G{number + 1}"/>')
    return "".join(parts)


def mesh(count: int) -> str:
    """Parallel gateways all leading to all."""
    gates = "".join(f'<bpmn:parallelGateway id="G{number}"/>' for number in range(count))
    flows = "".join(
        f'<bpmn:sequenceFlow id="F{a}_{b}" sourceRef="G{a}" targetRef="G{b}"/>'
        for a in range(count)
        for b in range(count)
    )
    return f'<bpmn:startEvent id="S"/><bpmn:sequenceFlow id="FS" sourceRef="S" targetRef="G0"/>{gates}{flows}'


def conditions(text: str, count: int = 1) -> str:
    flows = "".join(
        f'<bpmn:sequenceFlow id="F{number}" sourceRef="G" targetRef="E"><bpmn:conditionExpression>{text}</bpmn:conditionExpression></bpmn:sequenceFlow>'
        for number in range(count)
    )
    return f'<bpmn:startEvent id="S"/><bpmn:sequenceFlow id="FS" sourceRef="S" targetRef="G"/><bpmn:exclusiveGateway id="G"/><bpmn:endEvent id="E"/>{flows}'


def scripted(text: str) -> str:
    return f'<bpmn:userTask id="T"><bpmn:extensionElements><spiffworkflow:preScript>{text}</spiffworkflow:preScript></bpmn:extensionElements></bpmn:userTask>'


def timed(text: str, kind: str = "timeDate") -> str:
    return (
        '<bpmn:userTask id="T"/><bpmn:boundaryEvent id="B" attachedToRef="T"><bpmn:timerEventDefinition>'
        f"<bpmn:{kind}>{text}</bpmn:{kind}></bpmn:timerEventDefinition></bpmn:boundaryEvent>"
    )


BOMB = "".join(f'<!ENTITY e{number} "{f"&e{number - 1};" * 10}">' for number in range(1, 12))
QUADRATIC = f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>'
CODE = [
    "().__class__.__base__.__subclasses__()",
    "__import__(&quot;os&quot;).system(&quot;true&quot;)",
    "open(&quot;/tmp/x&quot;, &quot;w&quot;)",
    "9**9**8",
    "[x for x in range(10**9)]",
    "(lambda f: f(f))(lambda f: f(f))",
    "&quot;a&quot; * 10**9",
    "eval(&quot;1&quot;)",
    "x.__globals__",
    "{}.__class__",
    "1" * 5000,
    "(" * 5000,
    "-" * 3900 + "1",
    "x" * 100_000,
    "a and " * 600 + "b",
    " or ".join(f"(a == {number} and b == {number})" for number in range(80)),
    "f'{x!r:{y}}'",
    "\u202eevil",
    "０",
    "x\u00a0== 1",
]
ODD_IDS = [
    "",
    " ",
    "1",
    "a b",
    "a'b",
    "a&quot;]|//*[@id=&quot;x",
    "a/../b",
    "x" * 65,
    "中文",
    "a#done",
    "__class__",
    "a\u202e",
    "-",
    "a;b",
    "Start",
    "a.b",
    "${x}",
    "{{x}}",
    "&lt;script&gt;",
]
TIMERS = [
    "P",
    "P3D",
    "R10/PT1S",
    "workdays(10**9)",
    "workdays(-1)",
    "notice_end()",
    "workdays(workdays(1))",
    "'2026'",
    "workdays(1) or 2",
    "",
    "datetime.now()",
    "workdays(n) if x else 3",
]
SHAPES = [
    "scriptTask",
    "manualTask",
    "sendTask",
    "receiveTask",
    "task",
    "transaction",
    "adHocSubProcess",
    "complexGateway",
    "dataStoreReference",
    "dataObject",
    "choreographyTask",
    "subProcess",
    "callActivity",
    "serviceTask",
    "businessRuleTask",
    "boundaryEvent",
    "inclusiveGateway",
    "eventBasedGateway",
]
EVENTS = [
    "timer",
    "message",
    "signal",
    "error",
    "escalation",
    "compensate",
    "conditional",
    "link",
    "cancel",
    "terminate",
    "nonsense",
]

CORPUS: dict[str, bytes] = {
    "empty": b"",
    "blank": b"   \n",
    "text": b"hello",
    "nul": b"\x00" * 100,
    "bom only": b"\xef\xbb\xbf",
    "utf-16": drawing("").decode().encode("utf-16"),
    "wrong encoding": b'<?xml version="1.0" encoding="utf-7"?><a/>',
    "unknown encoding": b'<?xml version="1.0" encoding="nonsense"?><a/>',
    "latin bytes": b"<a>\xe9\xff</a>",
    "json": b'{"a": 1}',
    "html": b"<html><body><p>x<br></body></html>",
    "other root": b"<a/>",
    "comment root": b"<!-- x -->",
    "processing instructions": b'<?xml-stylesheet href="x"?><?php echo 1 ?><a/>',
    "xxe file": drawing("&x;", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    "xxe http": drawing("&x;", '<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]>'),
    "xxe parameter": drawing("", '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]>'),
    "external dtd": drawing("", '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd">'),
    "public dtd": drawing("", '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://www.w3.org/x.dtd">'),
    "billion laughs": drawing("&e11;", f'<!DOCTYPE a [<!ENTITY e0 "ha">{BOMB}]>'),
    "billion laughs in an attribute": drawing("", f'<!DOCTYPE a [<!ENTITY e0 "ha">{BOMB}]>', 'id="&e11;"'),
    "quadratic": drawing("&a;" * 5_000, QUADRATIC),
    "empty doctype": drawing("", "<!DOCTYPE a>"),
    "xinclude": drawing('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text"/>'),
    "10 MB": drawing("<bpmn:userTask id='T'/>" + " " * 10_000_000),
    "just under the limit": drawing(" " * 999_000),
    "many findings": drawing('<bpmn:scriptTask id="x"/>' * 30_000),
    "many lanes": drawing("<bpmn:laneSet>" + '<bpmn:lane name="x"/>' * 20_000 + "</bpmn:laneSet>"),
    "many attributes": drawing("", process=" ".join(f'a{number}="1"' for number in range(20_000))),
    "deep": drawing("<bpmn:subProcess id='a'>" * 3_000 + "</bpmn:subProcess>" * 3_000),
    "deep within the limit": drawing("<bpmn:subProcess id='a'>" * 120 + "</bpmn:subProcess>" * 120),
    "deep unknown": drawing("<a>" * 240 + "</a>" * 240),
    "long chain": drawing(chain(5_000)),
    "chain within the limit": drawing(chain(290)),
    "ladder": drawing(ladder(100)),
    "mesh": drawing(mesh(23)),
    "large mesh": drawing(mesh(80)),
    "self flow": drawing('<bpmn:userTask id="T"/><bpmn:sequenceFlow id="F" sourceRef="T" targetRef="T"/>'),
    "self loop of rules": drawing(
        '<bpmn:startEvent id="S"/><bpmn:businessRuleTask id="T"/><bpmn:sequenceFlow id="F0" sourceRef="S" targetRef="T"/><bpmn:sequenceFlow id="F" sourceRef="T" targetRef="T"/>'
    ),
    "calls itself": drawing('<bpmn:callActivity id="A" calledElement="p"/>'),
    "boundary on itself": drawing('<bpmn:boundaryEvent id="B" attachedToRef="B"/>'),
    "boundary on a boundary": drawing(
        '<bpmn:boundaryEvent id="B" attachedToRef="C"/><bpmn:boundaryEvent id="C" attachedToRef="B"/>'
    ),
    "flow between processes": drawing('<bpmn:sequenceFlow id="F" sourceRef="p" targetRef="D"/>'),
    "no ids": drawing("<bpmn:userTask/><bpmn:userTask/><bpmn:sequenceFlow/><bpmn:startEvent/>"),
    "two processes of one id": drawing("").replace(
        b"</bpmn:definitions>", b'<bpmn:process id="p"/></bpmn:definitions>'
    ),
    "sub-process with the process's id": drawing('<bpmn:subProcess id="p"><bpmn:endEvent id="E"/></bpmn:subProcess>'),
    "shape called like a place of ours": drawing('<bpmn:subProcess id="A"/><bpmn:userTask id="A#done"/>'),
    "empty loop": drawing('<bpmn:userTask id="T"><bpmn:multiInstanceLoopCharacteristics/></bpmn:userTask>'),
    "many messages": drawing("<bpmn:x/>" * 10_000),
    "table of 10,000 rows": dmn(rules=8_000),
    "two decisions": dmn().replace(b"</definitions>", b'<decision id="e"/></definitions>'),
    "no rule": dmn(rules=0),
    "table with a doctype": dmn(before="<!DOCTYPE a>"),
    "literal expression": b'<definitions><decision id="d"><literalExpression><text>1</text></literalExpression></decision></definitions>',
    "comments in cells": dmn(cell="<!-- x -->-"),
    "pool of nothing": f'<bpmn:definitions {BPMN}><bpmn:collaboration id="C"/></bpmn:definitions>'.encode(),
}
CORPUS |= {f"condition {number}": drawing(conditions(text)) for number, text in enumerate(CODE)}
CORPUS |= {f"thirty conditions {number}": drawing(conditions(text, 30)) for number, text in enumerate(CODE)}
CORPUS |= {f"script {number}": drawing(scripted(f"a = {text}")) for number, text in enumerate(CODE)}
CORPUS |= {f"script statement {number}": drawing(scripted(text)) for number, text in enumerate(CODE)}
CORPUS |= {f"clock {number}": drawing(timed(text)) for number, text in enumerate([*CODE, *TIMERS])}
CORPUS |= {
    f"duration {number}": drawing(timed(text, kind))
    for kind in ("timeDuration", "timeCycle")
    for number, text in enumerate(TIMERS)
}
CORPUS |= {
    f"id {number} {place}": drawing(f'<bpmn:{place} id="{text}"/>')
    for place in ("userTask", "sequenceFlow")
    for number, text in enumerate(ODD_IDS)
}
CORPUS |= {f"process id {number}": drawing("", process=f'id="{text}"') for number, text in enumerate(ODD_IDS)}
CORPUS |= {f"shape {name}": drawing(f'<bpmn:{name} id="T" attachedToRef="T" default="T"/>') for name in SHAPES}
CORPUS |= {
    f"event {shape} {name}": drawing(f'<bpmn:{shape} id="E"><bpmn:{name}EventDefinition/></bpmn:{shape}>')
    for shape in ("startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent")
    for name in EVENTS
}
CORPUS |= {f"cell {number}": dmn(cell=text) for number, text in enumerate(CODE)}
CORPUS |= {f"result {number}": dmn(result=text) for number, text in enumerate(CODE)}
CORPUS |= {
    f"policy {name}": dmn(policy=name) for name in ("ANY", "PRIORITY", "RULE ORDER", "", "COLLECT SUM", "x" * 5_000)
}


def looked_at(path: str, content: bytes):
    started = time.process_time()
    with quiet():
        found = check_file(path, content)
    spent = time.process_time() - started
    assert spent < LIMIT, f"{path} took {spent:.2f} s"
    for one in found:
        assert one.reason.zh
        assert one.reason.en
        assert len(str(one)) < 2_000
    return found


def test_the_corpus_is_as_large_as_promised():
    assert len(CORPUS) >= 300


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_file_is_refused_with_a_sentence(name):
    content = CORPUS[name]
    path = "x.dmn" if b"<decision" in content[:5_000] else "x.bpmn"
    assert looked_at(path, content)
    looked_at("x.bpmn" if path == "x.dmn" else "x.dmn", content)


@pytest.mark.parametrize("name", ["script 0", "condition 3", "10 MB", "calls itself", "mesh", "billion laughs"])
def test_a_hostile_bundle_is_refused_as_well(name):
    good = Bundle.from_folder(WORKFLOWS, "medical_assistance")
    with quiet():
        assert check_bundle(Bundle("p", {**good.files, "p.bpmn": CORPUS[name]}))


GOOD = sorted([*WORKFLOWS.glob("*.bpmn"), *WORKFLOWS.glob("*.dmn")])


def mutated(text: str, chance: random.Random) -> bytes:
    """Spoil a good file in one to four places, as a careless or a careful enemy would."""
    for _ in range(chance.randint(1, 4)):
        match chance.randrange(8):
            case 0:  # a character
                place = chance.randrange(len(text))
                text = text[:place] + chance.choice("<>&\"'\x07a0 村") + text[place + 1 :]
            case 1:  # a piece away
                place = chance.randrange(len(text))
                text = text[:place] + text[place + chance.randrange(200) :]
            case 2:  # a line away, or twice
                lines = text.splitlines()
                place = chance.randrange(len(lines))
                lines[place : place + 1] = [lines[place]] * chance.choice([0, 2, 3])
                text = "\n".join(lines)
            case 3:  # references exchanged
                ids = re.findall(r'(?:sourceRef|targetRef|attachedToRef|id|default)="([^"]+)"', text) or ["x"]
                text = text.replace(f'"{chance.choice(ids)}"', f'"{chance.choice(ids)}"', chance.randint(1, 3))
            case 4:  # another element
                tags = re.findall(r"<((?:bpmn:)?\w+)[ >]", text) or ["x"]
                one, other = chance.choice(tags), chance.choice(tags)
                text = re.sub(rf"(</?){re.escape(one)}\b", rf"\1{other}", text, count=chance.choice([0, 2]))
            case 5:  # an attribute away
                text = re.sub(r' \w+="[^"]*"', lambda found: "" if chance.random() < 0.02 else found[0], text)
            case 6:  # other words in an expression
                text = re.sub(
                    r">([^<>\n]{3,80})</",
                    lambda found: f">{chance.choice(CODE)[:300]}</" if chance.random() < 0.02 else found[0],
                    text,
                )
            case 7:  # two elements exchanged
                lines = text.splitlines()
                one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
                lines[one], lines[other] = lines[other], lines[one]
                text = "\n".join(lines)
    return text.encode("utf-8", "replace")


@pytest.mark.parametrize("seed", range(24))
def test_a_good_drawing_spoiled_at_random_never_breaks_the_gate(seed):
    chance = random.Random(seed)
    for _ in range(16):
        path = chance.choice(GOOD)
        content = mutated(path.read_text("utf-8"), chance)
        looked_at(path.name, content)


@pytest.mark.parametrize("seed", range(12))
def test_a_good_bundle_spoiled_at_random_never_breaks_the_gate(seed):
    chance = random.Random(1_000 + seed)
    good = Bundle.from_folder(WORKFLOWS, "medical_assistance")
    for _ in range(8):
        name = chance.choice(sorted(good.files))
        spoiled = mutated(good.files[name].decode("utf-8"), chance)
        started = time.process_time()
        with quiet():
            check_bundle(Bundle("medical_assistance", {**good.files, name: spoiled}))
        assert time.process_time() - started < LIMIT
