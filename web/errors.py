"""From a refusal to a page: the one mapping from the engine's kinds to HTTP (DESIGN.md §3.10).

Where a form was sent, the route itself answers with the form again and what was typed (`refused`); what arrives here had nothing to
keep. An accident gets a number that stands in the log and on the page, and nothing else of what happened.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from flask import make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from engine import Accident
from engine.errors import BadDefinition, Conflict, Invalid, Message, NotFound, NotOpen, NotPermitted, Rejected

if TYPE_CHECKING:
    from flask import Flask, Response

STATUS: dict[type[Rejected], int] = {
    NotFound: 404,
    NotPermitted: 403,
    NotOpen: 409,
    Conflict: 409,
    Invalid: 422,
    BadDefinition: 422,
}

_TITLES: dict[int, Message] = {
    400: Message("页面已过期", "This page has expired"),
    401: Message("请重新登录", "Please log in again"),
    403: Message("这项操作不属于您的岗位", "Your post may not do this"),
    404: Message("没有找到", "Nothing found"),
    405: Message("不能这样打开", "This cannot be opened that way"),
    409: Message("办件已有变化", "The case has moved on"),
    413: Message("文件太大", "The file is too large"),
    422: Message("内容需要改正", "Something needs correcting"),
    429: Message("请稍后再试", "Please wait a moment"),
    500: Message("系统出了故障", "Something went wrong on our side"),
}

_LINES: dict[int, Message] = {
    400: Message("请返回上一页，刷新后再提交一次。", "Go back, reload the page and send it once more."),
    401: Message("登录已结束，没有保存任何内容。", "Your session has ended; nothing was saved."),
    403: Message("可以切换岗位后再试。", "You can switch to another post and try again."),
    404: Message("可能已不存在，或不在您的辖区内。", "It may be gone, or lie outside your jurisdiction."),
    405: Message("请从页面上的按钮进入。", "Please use the buttons on the pages."),
    409: Message("请查看现在的状态后再办理。", "Please look at its present state first."),
    413: Message("每个文件最多 5 MB，请压缩后再传。", "A file may have at most 5 MB; please make it smaller."),
    422: Message("请检查后再提交。", "Please check and send it again."),
    429: Message("尝试次数过多。", "There were too many tries."),
    500: Message("没有保存任何内容，请稍后再试。", "Nothing was saved; please try again later."),
}


def status_of(rejected: Rejected) -> int:
    """Return the HTTP status of a refusal."""
    if getattr(rejected, "rule", "") == "throttled":
        return 429
    return next((STATUS[kind] for kind in type(rejected).__mro__ if kind in STATUS), 422)


def page(status: int, line: Message | None = None, *, number: str = "") -> Response:
    """Return the error page of a status, with the engine's own sentence where there is one."""
    known = status if status in _TITLES else (500 if status >= 500 else 404)  # noqa: PLR2004
    body = render_template(
        "error.html", status=status, title_words=_TITLES[known], line_words=line or _LINES[known], number=number
    )
    return make_response(body, status)


def new_number() -> str:
    """Return a short error number that can be read out over a telephone: E-7K2M."""
    return "E-" + "".join(secrets.choice("23456789ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(4))


def install(app: Flask) -> None:
    """Answer refusals, HTTP errors and accidents with pages."""

    @app.errorhandler(Rejected)
    def refuse(rejected: Rejected) -> Response:
        return page(status_of(rejected), rejected.message)

    @app.errorhandler(CSRFError)
    def forged(_error: CSRFError) -> Response:
        return page(400)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        answer = page(error.code or 500)
        if error.code == 405 and getattr(error, "valid_methods", None):  # noqa: PLR2004
            answer.headers["Allow"] = ", ".join(error.valid_methods)  # type: ignore[attr-defined]
        return answer

    @app.errorhandler(Exception)
    def accident(error: Exception) -> Response:
        number = f"E-{error.incident_id}" if isinstance(error, Accident) else new_number()
        app.logger.error("%s %s %s", number, request.method, request.path, exc_info=error)
        return page(500, number=number)
