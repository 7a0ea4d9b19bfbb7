"""Moments in long work in which others may have their turn, within the same thread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

_thread = threading.local()


@contextmanager
def pausing(take: Callable[[], None]) -> Iterator[None]:
    """Have the work of this thread call a function at its pauses, up to the end of the context."""
    former = getattr(_thread, "take", None)
    _thread.take = take
    try:
        yield
    finally:
        _thread.take = former


def pause(outside: Callable[[], AbstractContextManager[object]] = nullcontext) -> None:
    """A pause: others have their turn, if somebody has asked for that.

    What they do has no pauses in its turn.

    outside (Callable): Gives a context in which all is as if the work had not been begun.
    """
    take = getattr(_thread, "take", None)
    if take is None:
        return
    _thread.take = None
    try:
        with outside():
            take()
    finally:
        _thread.take = take
