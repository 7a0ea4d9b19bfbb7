"""A process that answers: it loads the models, serves, reloads, and stops when it is told to."""

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from multiprocessing.synchronize import Event
from typing import Any

from ...pipeline.preparing import import_user_code
from ...pipeline.processor_share import use_threads
from ..pipelines.folder_watch import FolderWatch
from ..pipelines.loaded_model import LoadedModel, LoadSettings
from ..pipelines.model_set import ModelSet, ModelSlot
from ..pipelines.model_spec import ModelSpec
from ..pipelines.reloading import Reloader
from ..routes.app import Serving, make_app
from ..serve_settings import ServeSettings
from ..serving_log import begin_log
from ..serving_metrics import ServingMetrics
from .graceful_server import GracefulServer, make_server

logger = logging.getLogger("spacy_ner_plus.serving")

CANNOT_START = 3
_OTHER_FILES = 200


class Worker:
    """Answers requests that come in at a socket, until it is told to stop.

    settings (ServeSettings): All that is said of the server.
    listening (socket.socket): Where requests come in.
    supervisor (int): The process that looks after this one; None if nobody does.
    on_ready (Callable[[], None]): Is called when all models are loaded.
    """

    def __init__(
        self,
        settings: ServeSettings,
        listening: socket.socket,
        supervisor: int | None = None,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._listening = listening
        self._supervisor = supervisor
        self._on_ready = on_ready
        self._metrics = ServingMetrics()
        self._models = ModelSet([ModelSlot(spec) for spec in settings.models], settings.rules)
        self._load_settings = LoadSettings(settings.batches, settings.gpu_id, settings.warms_up)
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self) -> None:
        """Serve. RAISES ValueError: If a model can't be loaded."""
        _raise_limit_of_files(self._settings.requests.max_connections + _OTHER_FILES)
        if self._settings.threads is not None:
            use_threads(self._settings.threads)
        import_user_code(self._settings.code)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        serving = Serving(self._models, self._settings, self._metrics, self._ask_to_reload)
        self._serving = serving
        self._reloader = Reloader(self._models, self._load, self._metrics.count_reload)
        self._server = make_server(make_app(serving), self._settings)
        self._handle_signals()
        serves = asyncio.create_task(self._server.serve(sockets=[self._listening]))
        loads = asyncio.create_task(self._reloader.load_all())
        await asyncio.wait({serves, loads}, return_when=asyncio.FIRST_COMPLETED)
        try:
            if loads.done():
                loads.result()
                self._on_ready()
                logger.info("ready", extra={"fields": {"pid": os.getpid()}})
                self._watch()
        except BaseException:
            self._server.should_exit = True
            raise
        finally:
            await serves
            loads.cancel()
            await self._end()

    def _load(self, spec: ModelSpec) -> LoadedModel:
        return LoadedModel(spec, self._load_settings, self._metrics.count_batch)

    # Reloading

    async def _ask_to_reload(self) -> None:
        """In all processes."""
        if self._supervisor is None:
            self._reload()
        else:
            os.kill(self._supervisor, signal.SIGHUP)

    def _reload(self, slots: list[ModelSlot] | None = None) -> None:
        self._begin(self._reloader.reload(slots))

    def _watch(self) -> None:
        if self._settings.watch_seconds is not None:
            self._begin(self._look_at_folders(self._settings.watch_seconds))

    async def _look_at_folders(self, seconds: float) -> None:
        watches = [(slot, FolderWatch(slot.spec.model)) for slot in self._models.slots]
        while True:
            await asyncio.sleep(seconds)
            changed = [
                slot for slot, watch in watches if await asyncio.to_thread(watch.has_changed)
            ]
            if changed:
                await self._reloader.reload(changed)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Stopping

    def _handle_signals(self) -> None:
        handlers: dict[str, Callable[[], None]] = {"SIGTERM": self._stop, "SIGHUP": self._reload}
        # Ctrl-C reaches all processes of a terminal: the one that looks after us tells us to stop.
        handlers["SIGINT"] = self._stop if self._supervisor is None else lambda: None
        loop = asyncio.get_running_loop()
        for name, handle in handlers.items():
            number = getattr(signal, name, None)
            if number is None:
                continue
            with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows, or a thread
                loop.add_signal_handler(number, handle)
        if self._supervisor is not None:
            self._begin(self._follow(self._supervisor))

    async def _follow(self, supervisor: int) -> None:
        """Stop if nobody looks after us any more."""
        while os.getppid() == supervisor:
            await asyncio.sleep(1.0)
        self._stop()

    def _stop(self) -> None:
        """Stop gracefully; the second time, at once."""
        if self._serving.stopping.is_set():
            self._server.force_exit = self._server.should_exit = True
            return
        logger.info("stopping", extra={"fields": {"pid": os.getpid()}})
        self._serving.stopping.set()
        self._begin(self._stop_later(self._server))

    async def _stop_later(self, server: GracefulServer) -> None:
        await asyncio.sleep(self._settings.drain_seconds)
        server.should_exit = True

    async def _end(self) -> None:
        """Let the models go."""
        for task in list(self._tasks):
            task.cancel()
        deadline = time.monotonic() + self._settings.stop_seconds
        loaded = [slot.current.batcher for slot in self._models.slots if slot.current is not None]
        for batcher in loaded:
            batcher.close()
        for batcher in loaded:
            if not await asyncio.to_thread(batcher.join, max(0.0, deadline - time.monotonic())):
                batcher.abandon()
        logger.info("stopped", extra={"fields": {"pid": os.getpid()}})


def run_supervised(
    settings: ServeSettings, listening: socket.socket, supervisor: int, is_ready: Event
) -> None:
    """What a process does that is looked after.

    It exits with CANNOT_START if a model can't be loaded. is_ready (Event): Set when all are.
    """
    begin_log()
    try:
        Worker(settings, listening, supervisor, is_ready.set).run()
    except ValueError as error:
        logger.error("cannot start", extra={"fields": {"reason": str(error)}})
        sys.exit(CANNOT_START)


def _raise_limit_of_files(wanted: int) -> None:
    """Let the process have as many connections as it is to have, if the system permits."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < wanted:
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    if sys.platform == "win32":
        return asyncio.new_event_loop
    import uvloop

    return uvloop.new_event_loop
