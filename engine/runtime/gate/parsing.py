"""Last of all the library itself reads the drawing: what its own schema or parser refuses cannot be deployed either.

Only drawings that passed every other rule come here, so nothing is parsed that the gate has not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException

from engine.errors import BadDefinition, Finding, Message
from engine.runtime.definition import Definition
from engine.runtime.gate.drawing import finding
from engine.runtime.specs import DrawingParser

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.runtime.gate.known import Known

_REMEDY = Message("照 BPMN 的写法改正,顺序也有规定", "Write it as BPMN's schema says; the order matters too.")


def check_parsing(known: Known, files: Mapping[str, bytes], process_id: str | None) -> Iterator[Finding]:
    """Find what the library's schema and parser refuse."""
    from engine.runtime.bundle import Bundle

    try:
        if process_id is not None:
            Definition.read(Bundle(process_id, files))
        else:
            for drawing in known.drawings:
                DrawingParser().add_bpmn_xml(drawing.root.getroottree(), drawing.path)
    except BadDefinition as refusal:
        yield from refusal.findings
    except ValidationException as error:
        yield _refused(error.file_name or next(iter(files)), error.line_number or 0, str(error))
    except Exception as error:  # noqa: BLE001  (the library's parser raises whatever it trips over)
        yield _refused(next(iter(files)), 0, f"{type(error).__name__}: {error}")


def _refused(path: str, line: int, reason: str) -> Finding:
    said = reason[:300]
    return finding(
        path,
        line,
        "",
        "schema",
        Message(f"引擎读不了这张图:{said}", f"The engine cannot read the drawing: {said}"),
        _REMEDY,
    )
