"""A canary: Python's own audit hook tells when anything is run, opened for writing, or connected to while it listens.

A hook can never be taken away again, so there is one for the whole test run, and it listens only inside `quiet()`.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORBIDDEN = (
    "os.",
    "subprocess.",
    "socket.",
    "ctypes.",
    "shutil.",
    "urllib.",
    "ftplib.",
    "marshal.",
    "pickle.",
    "code.",
    "import",
)
_HARMLESS = {"os.listdir", "os.scandir"}
_heard: list[str] = []
_state = {"listening": False}


def _hook(event: str, arguments: tuple) -> None:
    if not _state["listening"]:
        return
    if event == "open":
        mode = arguments[1] if len(arguments) > 1 else "r"
        if isinstance(mode, str) and any(sign in mode for sign in "wax+"):
            _heard.append(f"open {arguments[0]!r} {mode}")
    elif event.startswith(_FORBIDDEN) and event not in _HARMLESS:
        _heard.append(f"{event} {str(arguments)[:120]}")


sys.addaudithook(_hook)


@contextmanager
def quiet() -> Iterator[None]:
    """Fail if anything inside runs a program, writes a file, opens a connection or imports a module."""
    _heard.clear()
    _state["listening"] = True
    try:
        yield
    finally:
        _state["listening"] = False
    assert _heard == []
