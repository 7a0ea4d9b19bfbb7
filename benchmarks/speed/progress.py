"""Saying what is going on, and how long it has taken so far."""

import time


class Progress:
    """Lines on the terminal, each with the seconds since the start."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._part = ""

    def start(self, part: str) -> None:
        """Begin a part of the benchmark."""
        self._part = part
        self.say("starts")

    def say(self, message: str) -> None:
        print(f"[{self.seconds:6.1f} s] {self._part}: {message}", flush=True)

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._started
