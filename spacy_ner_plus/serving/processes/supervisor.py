"""The process that looks after others which answer at one socket."""

import logging
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory

from ..serve_settings import ServeSettings
from ..serving_metrics import FOLDER, forget_process
from .worker import CANNOT_START, run_supervised

logger = logging.getLogger("spacy_ner_plus.serving")

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
# A process that ends sooner is started again later and later.
_SOON_SECONDS = 10.0
_LONGEST_DELAY = 30.0
_LOOK_SECONDS = 0.5


class Supervisor:
    """Starts processes, starts them again when they end, and tells them what it is told.

    SIGTERM and SIGINT stop all, SIGHUP has them load their models anew.

    settings (ServeSettings): All that is said of the server.
    listening (socket.socket): Where requests come in: all processes take from it.
    """

    def __init__(self, settings: ServeSettings, listening: socket.socket) -> None:
        self._settings = settings
        self._listening = listening
        self._context = multiprocessing.get_context("spawn")
        self._is_ready = self._context.Event()
        self._processes: dict[BaseProcess, float] = {}  # each with when it was started
        self._due: list[float] = []  # when further ones are to be started
        self._delay = 0.0
        self._is_stopping = self._is_reload_wanted = self._is_hopeless = False

    def run(self) -> None:
        """Look after processes until it is told to stop. RAISES ValueError: None can start."""
        with (
            TemporaryDirectory(prefix="ner-plus-metrics-") as folder,
            _environment(folder, self._settings.threads),
            _woken_by_signals(self._take_signal) as wake,
        ):
            self._metrics = Path(folder)
            self._due = [time.monotonic()] * self._settings.workers
            while not (self._is_stopping or self._is_hopeless):
                self._start_due()
                wait([wake, *(one.sentinel for one in self._processes)], _LOOK_SECONDS)
                _empty(wake)
                if self._is_reload_wanted:
                    self._is_reload_wanted = False
                    self._tell("SIGHUP")
                self._see_who_ended()
            self._stop()
        if self._is_hopeless:
            raise ValueError("The server can't start: the log says why.")

    def _take_signal(self, number: int) -> None:
        if number == getattr(signal, "SIGHUP", None):
            self._is_reload_wanted = True
        elif self._is_stopping:
            self._tell("SIGTERM")  # again: at once
        else:
            self._is_stopping = True

    def _start_due(self) -> None:
        now = time.monotonic()
        for at in [at for at in self._due if at <= now]:
            self._due.remove(at)
            process = self._context.Process(
                target=run_supervised,
                args=(self._settings, self._listening, os.getpid(), self._is_ready),
                name="ner-plus serve",
            )
            process.start()
            self._processes[process] = now
            logger.info("process started", extra={"fields": {"pid": process.pid}})

    def _see_who_ended(self) -> None:
        for process in [one for one in self._processes if one.exitcode is not None]:
            started = self._processes.pop(process)
            forget_process(self._metrics, process.pid or 0)
            fields = {"pid": process.pid, "exit": process.exitcode}
            logger.error("process ended", extra={"fields": fields})
            if process.exitcode == CANNOT_START and not self._is_ready.is_set():
                self._is_hopeless = True
                return
            is_soon = time.monotonic() - started < _SOON_SECONDS
            self._delay = min(_LONGEST_DELAY, 2 * self._delay or 1.0) if is_soon else 0.0
            self._due.append(time.monotonic() + self._delay)

    def _tell(self, name: str) -> None:
        for process in self._processes:
            if process.pid is not None and process.exitcode is None:
                os.kill(process.pid, getattr(signal, name))

    def _stop(self) -> None:
        """Have all finish, and end what does not."""
        self._listening.close()
        self._tell("SIGTERM")
        patience = self._settings.drain_seconds + 2 * self._settings.stop_seconds + 5
        deadline = time.monotonic() + patience
        for process in self._processes:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.exitcode is None:
                logger.error("process killed", extra={"fields": {"pid": process.pid}})
                process.kill()
                process.join()


@contextmanager
def _environment(metrics: str, threads: int | None) -> Iterator[None]:
    """What the processes find in their environment: how many threads, and where counts go."""
    wanted = {FOLDER: metrics}
    if threads is not None:
        wanted |= {name: str(threads) for name in _THREADS if name not in os.environ}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _woken_by_signals(take: Callable[[int], None]) -> Iterator[socket.socket]:
    """Signals are handed to a function, and make a socket readable."""
    reading, writing = socket.socketpair()
    reading.setblocking(False)
    writing.setblocking(False)
    names = ("SIGTERM", "SIGINT", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    former = {one: signal.signal(one, lambda number, _: take(number)) for one in numbers}
    former_fd = signal.set_wakeup_fd(writing.fileno())
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(former_fd)
        for one, handler in former.items():
            signal.signal(one, handler)
        reading.close()
        writing.close()


def _empty(wake: socket.socket) -> None:
    try:
        while wake.recv(64):
            pass
    except BlockingIOError:
        pass
