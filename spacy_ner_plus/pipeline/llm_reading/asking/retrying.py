"""Requests again, later and later."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import TypeVar

from .request_errors import RequestError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When requests are sent again that failed in a way that may pass.

    attempts (int): In all. first_wait (float): Seconds, on average half of it; twice as long each
        time, but no longer than longest_wait, which is also the longest that a server may ask for.
    """

    attempts: int = 5
    first_wait: float = 1.0
    longest_wait: float = 120.0

    def wait(self, attempt: int, asked: float | None, draw: float) -> float | None:
        """Seconds before the next attempt; None if there is none.

        Full jitter (Brooker, "Exponential backoff and jitter", 2015), on top of what the server
        asked for, so that those who were sent away together don't come back together.

        attempt (int): Those that failed, from 1. asked (float): What the server wants.
        draw (float): A random number from 0 to 1.
        """
        if attempt >= self.attempts or (asked is not None and asked > self.longest_wait):
            return None
        jitter = draw * min(self.longest_wait, self.first_wait * 2.0 ** (attempt - 1))
        return jitter if asked is None else asked + min(jitter, self.first_wait)


def with_retries(call: Callable[[], T], policy: RetryPolicy, stopped: Event) -> tuple[T, int]:
    """Call until it does not fail in a way that may pass.

    stopped (Event): Ends all waiting when it is set.
    RETURNS: What it gave, and how often it failed before.
    RAISES RequestError: The last one.
    """
    attempt = 0
    while True:
        try:
            return call(), attempt
        except RequestError as error:
            attempt += 1
            wait = policy.wait(attempt, error.wait, random.random())
            if not error.may_pass or wait is None or stopped.wait(wait):
                raise
