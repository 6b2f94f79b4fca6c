"""The web: pages that ask the engine and tell it things, and decide nothing (DESIGN.md §2, §3.11).

`create_app(engine)` makes the Flask app: one blueprint for each audience, one table of doors (access.py), one mapping of refusals
(errors.py), one set of headers (headers.py). Every action is a plain form that works without JavaScript; the one script of our own
only makes it quicker.
"""

from __future__ import annotations

import os
import re
import secrets
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, request, url_for
from flask_wtf.csrf import CSRFProtect

from web import errors, formats, headers, present
from web.words import language, t, w

if TYPE_CHECKING:
    from engine import ProcessEngine

LARGEST_REQUEST = 12 * 1024 * 1024
"""Bytes: a paper of 10 MB and its form."""
TYPE_COOKIE = "bangfu_type"
BPMN_JS = "vendor/bpmn-js@18.31.1"

_CASE_NUMBER = re.compile(r"[A-Z]{2}-[0-9]{4,12}-[0-9]{4}-[0-9]{4,8}")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_HERE = Path(__file__).resolve().parent


def create_app(engine: ProcessEngine, *, secret_key: str | None = None, instance: Path | None = None) -> Flask:
    """Make the app for an engine.

    The secret key signs the form tokens; without one it is read from `instance`/web.key, made on first use and readable by the
    owner only.
    """
    app = Flask(__name__, static_folder="static", static_url_path="/static")
    app.config.update(
        SECRET_KEY=secret_key or _secret(instance),
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        MAX_FORM_MEMORY_SIZE=LARGEST_REQUEST,
        SESSION_COOKIE_NAME="bangfu_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        WTF_CSRF_TIME_LIMIT=12 * 60 * 60,
        WTF_CSRF_SSL_STRICT=False,
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(formats.FILTERS)
    app.jinja_env.filters["w"] = w
    app.jinja_env.tests["case_number"] = lambda text: bool(_CASE_NUMBER.fullmatch(str(text)))
    app.jinja_env.tests["whole_number"] = lambda text: bool(_WHOLE_NUMBER.fullmatch(str(text)))
    app.jinja_env.globals.update(t=t, w=w, language=language, asset=_asset, here=_here)
    app.extensions["bangfu"] = engine
    CSRFProtect(app)
    present.install(app)
    headers.install(app)
    errors.install(app)
    app.context_processor(_frame)
    _register(app)
    return app


def _register(app: Flask) -> None:
    from web import administration, audit, cases, entry, mine, start, tasks, work

    for module in (entry, mine, work, cases, tasks, start, audit, administration):
        app.register_blueprint(module.blueprint)


def _frame() -> dict[str, Any]:
    """Give every page what its frame shows: who acts, in which post, and how much is waiting."""
    who = present.visitor()
    acting = present.actor() if who is not None and who.session.post_id is not None else None
    frame: dict[str, Any] = {
        "visitor": who,
        "acting": acting,
        "large": request.cookies.get(TYPE_COOKIE) == "large",
        "bpmn_js": BPMN_JS,
        "unread": 0,
        "waiting": None,
        "may_start": False,
    }
    if acting is not None:
        engine = present.engine()
        frame["unread"] = engine.unread(acting.person_id)
        frame["may_start"] = any(process.permitted for process in engine.processes(acting))
        if acting.role not in {"AUDITOR", "ADMIN"}:
            frame["waiting"] = engine.waiting(acting)
    return frame


def _here() -> str:
    """Return this page's path and query, to come back to after a switch; never that of a POST."""
    return request.full_path.rstrip("?") if request.method == "GET" else "/"


_digests: dict[str, str] = {}


def _asset(name: str) -> str:
    """Return the address of one of our static files with the beginning of its digest, so that it may be kept for ever."""
    digest = _digests.get(name)
    if digest is None:
        file = _HERE / "static" / name
        digest = sha256(file.read_bytes()).hexdigest()[:10] if file.is_file() else "missing"
        _digests[name] = digest
    return url_for("static", filename=name, v=digest)


def _secret(instance: Path | None) -> str:
    """Return the app's secret, making it on first use; without a folder it lasts as long as the process."""
    if instance is None:
        return secrets.token_hex(32)
    file = instance / "web.key"
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        instance.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:  # another process was faster
            return file.read_text(encoding="ascii").strip()
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(32))
        return file.read_text(encoding="ascii").strip()
