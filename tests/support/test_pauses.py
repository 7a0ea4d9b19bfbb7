from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Thread

import pytest

from spacy_ner_plus.support.pauses import pause, pausing


def test_pauses_call_what_was_asked_for_and_nothing_else() -> None:
    calls: list[str] = []

    @contextmanager
    def outside() -> Iterator[None]:
        calls.append("out")
        yield
        calls.append("in")

    def take() -> None:
        calls.append("take")
        pause(outside)  # has none of its own

    def given() -> AbstractContextManager[None]:
        return outside()

    pause(given)
    assert calls == []
    with pausing(take):
        pause(given)
        thread = Thread(target=pause)
        thread.start()
        thread.join()
        with pausing(lambda: calls.append("inner")):
            pause()
        pause()
    pause(given)
    assert calls == ["out", "take", "in", "inner", "take"]


def test_pause_that_fails_leaves_things_as_they_were() -> None:
    def fail() -> None:
        raise KeyError("x")

    with pausing(fail):
        for _ in range(2):
            with pytest.raises(KeyError):
                pause()
    pause()
