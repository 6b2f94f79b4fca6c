"""The workbook of households as a file: its sheets and columns, reading it safely, and an empty one to fill in.

What the cells mean is :mod:`engine.register.importing`'s. A file that is no workbook, is far larger unpacked than households could make
it, or lacks a sheet or a column is refused as a whole.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import xlsxwriter
from python_calamine import CalamineError, CalamineWorkbook

from engine.errors import Invalid, Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

HOUSEHOLDS, MEMBERS = "农户", "成员"
HOUSEHOLD_COLUMNS = (
    "户编号", "村代码", "村民小组", "户类别", "登记日期", "联系电话", "开户行", "一卡通账号", "致贫原因",
)  # fmt: skip
MEMBER_COLUMNS = ("户编号", "姓名", "与户主关系", "证件号码", "健康状况", "是否参保", "参保日期", "死亡日期")
_NEEDED = {
    HOUSEHOLDS: ("户编号", "村代码", "户类别"),
    MEMBERS: ("户编号", "姓名", "与户主关系", "证件号码", "是否参保"),
}
_LARGEST_FILE, _LARGEST_UNPACKED, _MOST_ROWS = 20 * 1024 * 1024, 200 * 1024 * 1024, 100_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a sheet: its number as the spreadsheet counts, its cells by their column's heading."""

    number: int
    cells: Mapping[str, Any]


class BadWorkbook(Invalid):
    """The file cannot be read as a workbook of households at all."""


def read_workbook(path: Path) -> dict[str, list[Row]]:
    """Read both sheets; BadWorkbook when that cannot be done."""
    content = path.read_bytes() if path.stat().st_size <= _LARGEST_FILE else b""
    if not content:
        raise BadWorkbook(
            Message("文件为空或超过 20 MB", "Expected a workbook of at most 20 MB, found an empty or larger file")
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > _LARGEST_UNPACKED:
            raise BadWorkbook(
                Message("文件解压后过大", "The workbook is far larger unpacked than households could make it")
            )
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    except (zipfile.BadZipFile, CalamineError) as error:
        raise BadWorkbook(
            Message("不是可读的 XLSX 工作簿", "Expected an XLSX workbook, found a file that cannot be read as one")
        ) from error
    return {sheet: list(_rows(workbook, sheet)) for sheet in (HOUSEHOLDS, MEMBERS)}


def _rows(workbook: CalamineWorkbook, sheet: str) -> Iterator[Row]:
    if sheet not in workbook.sheet_names:
        raise BadWorkbook(
            Message(f"缺少工作表“{sheet}”", f"Expected a sheet named {sheet}, found {', '.join(workbook.sheet_names)}")
        )
    content = workbook.get_sheet_by_name(sheet)
    if content.total_height > _MOST_ROWS:
        raise BadWorkbook(
            Message(
                f"“{sheet}”超过 {_MOST_ROWS} 行",
                f"Expected at most {_MOST_ROWS} rows in {sheet}, found {content.total_height}",
            )
        )
    rows = content.to_python(skip_empty_area=False)
    headings = [str(cell).strip().removesuffix("*") for cell in rows[0]] if rows else []
    missing = [column for column in _NEEDED[sheet] if column not in headings]
    if missing:
        raise BadWorkbook(
            Message(
                f"“{sheet}”缺少列：{'、'.join(missing)}",
                f"Expected the columns {', '.join(missing)} in {sheet}, found none",
            )
        )
    for number, cells in enumerate(rows[1:], start=2):
        if any(cell not in {"", None} for cell in cells):
            yield Row(number, dict(zip(headings, cells, strict=False)))


def write_template(path: Path) -> None:
    """Write an empty workbook with the headings, in which every column is text so that no digits are lost."""
    with xlsxwriter.Workbook(str(path)) as workbook:
        text, heading = workbook.add_format({"num_format": "@"}), workbook.add_format({"bold": True, "num_format": "@"})
        for sheet, columns in ((HOUSEHOLDS, HOUSEHOLD_COLUMNS), (MEMBERS, MEMBER_COLUMNS)):
            page = workbook.add_worksheet(sheet)
            page.set_column(0, len(columns) - 1, 18, text)
            page.freeze_panes(1, 0)
            for place, column in enumerate(columns):
                page.write_string(0, place, column + ("*" if column in _NEEDED[sheet] else ""), heading)
