"""`bangfu serve`: the site and its runner in one process, for a county that has one machine.

Waitress answers the browsers; one thread lets everything act that has come due (timers, owed messages) and tries again in a moment
whatever failed. Both stop together. Larger installations run the app under another server and the runner on its own.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import click

from engine.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine import ProcessEngine

log = logging.getLogger("bangfu.runner")

EVERY_SECONDS = 5.0


class Runner:
    """One thread that does again and again whatever has come due; `stop` waits for the round that is under way."""

    def __init__(self, rounds: Sequence[Callable[[], int]], *, every_seconds: float = EVERY_SECONDS) -> None:
        self._rounds = tuple(rounds)
        self._every = every_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bangfu-runner", daemon=True)

    def start(self) -> None:
        """Begin; the first round comes at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round that is under way."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def run_once(self) -> int:
        """Do one round of everything; a round that fails is logged and does not keep the others from theirs."""
        done = 0
        for one in self._rounds:
            try:
                done += one()
            except Exception:
                # The edge of a sweep: whatever it was, the next round tries again, and the log says what.
                log.exception("A round of the runner failed")
        return done

    def _run(self) -> None:
        while not self._stopped.is_set():
            # While there is much to do, the next round follows at once.
            self._stopped.wait(0.0 if self.run_once() else self._every)


def rounds_of(engine: ProcessEngine) -> list[Callable[[], int]]:
    """Return what the runner does in a round: let what is due act, then deliver what is owed."""
    from notifications import postman_from_environment

    return [engine.fire_due, postman_from_environment().round_for(engine, engine.ground.clock)]


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

    from engine import open_engine
    from engine.schema import current
    from web import create_app

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = Settings.from_environment(database_url=database_url, instance=instance)
    engine = open_engine(settings)
    if current(engine.ground.database) is None:
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
    click.echo(f"帮扶已启动 · Bangfu is serving at http://{host}:{port}/")
    try:
        server.run()
    except KeyboardInterrupt:
        click.echo("已停止 · Stopped.")
    finally:
        server.close()
        if work is not None:
            work.stop()
