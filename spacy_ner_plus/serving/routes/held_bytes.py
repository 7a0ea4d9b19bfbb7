"""How much of requests is in memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from .error_answers import busy


class HeldBytes:
    """The bytes of all requests that are being read or answered, which have a bound.

    limit (int): The bound. One request alone may be of any size.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.held = 0

    @contextmanager
    def account(self) -> Iterator["Account"]:
        """Those of one request, which are given back in the end."""
        account = Account(self)
        try:
            yield account
        finally:
            self.held -= account.held

    def has_room(self, n: int) -> bool:
        """Whether n bytes more may be held."""
        return self.held == 0 or self.held + n <= self._limit


class Account:
    """What one request holds."""

    def __init__(self, total: HeldBytes) -> None:
        self._total = total
        self.held = 0

    def take(self, n: int) -> None:
        """Hold n bytes more. RAISES ApiError: If there is no room for them."""
        if not self.take_if_room(n):
            raise busy("too_many_requests", "Too many requests are being read: try again.", 1.0)

    def take_if_room(self, n: int) -> bool:
        """Hold n bytes more, if there is room for them. RETURNS (bool): Whether there is."""
        if self._total.held > self.held and not self._total.has_room(n):
            return False
        self.held += n
        self._total.held += n
        return True

    def give_back(self, n: int) -> None:
        """Hold n bytes less."""
        self.held -= n
        self._total.held -= n
