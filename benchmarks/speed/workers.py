"""Every system lives in a process of its own, which does nothing until it is told to.

So systems can take turns in one run without one's memory, threads or caches in the other's way,
and a library that changes settings of torch changes its own only.
"""

import multiprocessing
import os
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.speed.machine import GpuUse, Memory, busy_seconds, memory, reset_peak, synchronise

# Read by libraries when they are loaded, so set before a process starts.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")


@dataclass(frozen=True)
class Reply:
    """What a method of a system gave, and what it took.

    others (float): Share of the machine's cores that other processes kept busy meanwhile.
    gpu_use (float): Percent of the time that the GPU was busy.
    """

    value: Any
    seconds: float
    memory: Memory
    others: float
    gpu_use: float = 0.0


class WorkerError(Exception):
    """A system's process has ended; its error message is on the terminal."""


class Worker:
    """A process with one system in it.

    name (str): For messages.
    build (Callable): Makes the system; a class or function of a module, called with `settings`.
    threads (int): Of torch, OpenMP and the tokenizers.

    The system is being built when the constructor returns: see wait.
    """

    def __init__(
        self, name: str, build: Callable[..., Any], *, threads: int, **settings: Any
    ) -> None:
        self.name = name
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
        os.environ["TOKENIZERS_PARALLELISM"] = "true"
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, build, settings, threads), daemon=True
        )
        self._process.start()
        theirs.close()

    def wait(self) -> None:
        """Wait until the system is built. RAISES WorkerError: If it can't be."""
        self._receive()

    def call(self, method: str, *args: Any) -> Reply:
        """Call a method of the system and wait. RAISES WorkerError: If the process ends."""
        with suppress(BrokenPipeError):  # it has ended before: there is no answer either
            self._connection.send((method, args))
        return self._receive()

    def stop(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join()

    def _receive(self) -> Reply:
        try:
            reply: Reply = self._connection.recv()
        except EOFError:
            self._process.join()
            raise WorkerError(
                f"{self.name}: its process ended with status {self._process.exitcode}"
            ) from None
        return reply


def stop_all(workers: Iterable[Worker]) -> None:
    for worker in workers:
        worker.stop()


def _serve(
    connection: Connection, build: Callable[..., Any], settings: dict[str, Any], threads: int
) -> None:
    """The life of the process: build the system, then obey until the connection is closed."""
    import torch
    from transformers.utils import logging

    warnings.filterwarnings("ignore")
    logging.set_verbosity_error()
    torch.set_num_threads(threads)
    system = build(**settings)
    connection.send(Reply(None, 0.0, memory(), 0.0))
    while True:
        try:
            method, args = connection.recv()
        except EOFError:
            return
        connection.send(_measured(getattr(system, method), args))


def _measured(function: Callable[..., Any], args: Iterable[Any]) -> Reply:
    reset_peak()
    synchronise()
    busy, own = busy_seconds(), time.process_time()
    started = time.perf_counter()
    with GpuUse() as use:
        value = function(*args)
        synchronise()
        seconds = time.perf_counter() - started
    others = busy_seconds() - busy - (time.process_time() - own)
    share = max(0.0, others) / (seconds * (os.cpu_count() or 1))
    return Reply(value, seconds, memory(), min(1.0, share), use.percent)
