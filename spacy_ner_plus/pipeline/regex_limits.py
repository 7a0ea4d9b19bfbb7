"""What becomes of regexes that take too long, whatever they are for."""

import logging
from collections import Counter
from collections.abc import Hashable
from time import thread_time
from typing import Generic, TypeVar

logger = logging.getLogger("spacy_ner_plus")

SECONDS = 1.0
MAX_TIMEOUTS = 3

Key = TypeVar("Key", bound=Hashable)


class RegexLimits(Generic[Key]):
    """Counts documents that took regexes too long, tells of them, and says which are switched off.

    The search itself is to be given the seconds as its timeout.

    Attributes:
        seconds (float): The seconds of computing that one regex may take for one document, of which
            `regex` counts those of all threads of the process.
        max_timeouts (int): After how many documents that took it longer a regex is switched off.
        timeouts (Counter): Documents that took longer, by regex.
    """

    def __init__(self) -> None:
        self.seconds = SECONDS
        self.max_timeouts = MAX_TIMEOUTS
        self.timeouts: Counter[Key] = Counter()
        self._told: Counter[Key] = Counter()

    def deadline(self) -> float:
        """Until when a document may be searched that is begun now, by thread_time."""
        return thread_time() + self.seconds

    def is_off(self, key: Key) -> bool:
        """Whether a regex is not to be used any more."""
        return self.timeouts[key] >= self.max_timeouts

    @property
    def switched_off(self) -> list[Key]:
        """The regexes that are not to be used any more."""
        return [key for key in self.timeouts if self.is_off(key)]

    def count(self, key: Key, name: str, text: str, *, then: str, off: str) -> None:
        """Count a document that took a regex too long.

        What was told is not told again where a batch failed, and its counts were taken back.

        key (Key): The regex. name (str): What it is called at the start of a sentence.
        text (str): The document's.
        then (str): What becomes of the document. off (str): What is so without the regex.
        """
        self.timeouts[key] += 1
        n = self.timeouts[key]
        if n <= self._told[key]:
            return
        self._told[key] = n
        message = "%s took longer than %s s for the document that begins with %r: %s."
        logger.warning(message, name, self.seconds, text[:60], then)
        if n == self.max_timeouts:
            logger.warning(
                "%s is switched off, after %s documents that took it too long: %s. Write it so "
                "that it can't backtrack for so long, or raise regex_budget.",
                name,
                n,
                off,
            )
