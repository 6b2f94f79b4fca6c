"""`bangfu serve`: the site and its runner in one process, for a county that has one machine.

Waitress answers the browsers; one thread does everything that has come due (:mod:`web.runner`). Both stop together, at Ctrl-C or
SIGTERM. Larger installations run the app under another server, or with --no-runner, and the runner on its own: `bangfu worker`.
"""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING

import click

from engine import Settings, open_engine, schema_version
from web.runner import Runner, rounds_of

if TYPE_CHECKING:
    from types import FrameType


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="监听地址 · Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="端口 · Port.")
@click.option("--threads", default=8, show_default=True, type=click.IntRange(1, 64), help="线程数 · Threads.")
@click.option(
    "--runner/--no-runner", default=True, show_default=True, help="同时运行定时任务 · Run what comes due as well."
)
@click.option("--behind-proxy", is_flag=True, help="前面有一层反向代理 · One reverse proxy stands in front.")
@click.option("--database", "database_url", envvar="BANGFU_DATABASE_URL", help="数据库地址 · Database URL.")
@click.option("--instance", envvar="BANGFU_INSTANCE", help="实例目录（密钥在其中）· Folder with the keys.")
def serve(
    *,
    host: str,
    port: int,
    threads: int,
    runner: bool,
    behind_proxy: bool,
    database_url: str | None,
    instance: str | None,
) -> None:
    """启动网站 · Serve the site until interrupted."""
    from waitress import create_server
    from werkzeug.middleware.proxy_fix import ProxyFix

    from web import create_app

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # The library tells every step of every case at INFO; only what it warns of is of use to an operator.
    logging.getLogger("spiff").setLevel(logging.WARNING)
    settings = Settings.from_environment(database_url=database_url, instance=instance)
    engine = open_engine(settings)
    if schema_version(engine.ground.database) is None:
        raise click.ClickException(
            "数据库还没有准备好，请先运行 bangfu init · The database is not set up; run bangfu init first"
        )
    app = create_app(engine, instance=settings.instance)
    if behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    server = create_server(
        app, host=host, port=port, threads=threads, ident="bangfu", clear_untrusted_proxy_headers=True
    )
    work = Runner(rounds_of(engine)) if runner else None
    if work is not None:
        work.start()
    signal.signal(signal.SIGTERM, _interrupt)
    click.echo(f"帮扶已启动 · Bangfu is serving at http://{host}:{port}/")
    try:
        server.run()  # returns at an interrupt, when the answers under way are finished
    except KeyboardInterrupt:
        pass
    finally:
        server.close()
        if work is not None:
            work.stop()
        engine.ground.database.close()
    click.echo("已停止 · Stopped.")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Stop at what service managers send as at Ctrl-C."""
    raise KeyboardInterrupt
