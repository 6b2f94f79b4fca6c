"""Reading XML from people we do not know: no document types, no entities, no network, nothing large, odd ids refused.

libxml2 can be talked into reading files and expanding text for ever; here it is told not to, and a document type is refused outright even
where it would do no harm, because no drawing needs one (RELIABILITY.md W5, W8).
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from engine.errors import BadDefinition, Finding, Message

LARGEST_FILE = 1_000_000
ID = re.compile(r"^[A-Za-z_][\w.-]{0,63}$", re.ASCII)


def read_xml(path: str, content: bytes) -> Any:
    """Return the root element of a drawing or table, with line numbers; BadDefinition where it cannot be read safely."""
    if len(content) > LARGEST_FILE:
        raise refusal(
            path,
            0,
            "too-large",
            f"文件有 {len(content)} 字节,最多 {LARGEST_FILE}",
            f"The file has {len(content)} bytes; {LARGEST_FILE} is the most.",
        )
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        reason = error.msg or "not well-formed"
        raise refusal(
            path,
            error.lineno or 0,
            "unreadable",
            f"文件不是正确的 XML:{reason}",
            f"The file is not well-formed XML: {reason}",
        ) from error
    except ValueError as error:
        raise refusal(path, 0, "unreadable", f"文件无法读取:{error}", f"The file cannot be read: {error}") from error
    if root is None:
        raise refusal(path, 0, "unreadable", "文件是空的", "The file is empty.")
    info = root.getroottree().docinfo
    if info.doctype or info.internalDTD is not None:
        raise refusal(path, 1, "doctype", "文件带有 DOCTYPE", "The file has a DOCTYPE.")
    stray = next((node for node in root.iter() if (node.tail or "").strip() and not _is_prose(node)), None)
    if stray is not None:
        # Whoever reads an expression reads the text before the first comment or element in it, and would take a part for the whole.
        raise refusal(
            path,
            stray.sourceline or 0,
            "stray-text",
            "注释或元素之后还有文字,执行时会被忽略",
            "Text follows a comment or element; it would be ignored when it runs.",
        )
    return root


def _is_prose(node: Any) -> bool:
    return any(local_name(above) == "documentation" for above in node.iterancestors())


def local_name(element: Any) -> str:
    """Return an element's tag without its namespace; empty for comments."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def refusal(path: str, line: int, rule: str, zh: str, en: str) -> BadDefinition:
    """Return the refusal of a whole file for one reason."""
    return BadDefinition([Finding(path, line, "", rule, Message(zh, en))])
