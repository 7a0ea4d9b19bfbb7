"""A queue with two lines, of which neither waits for ever."""

from collections import OrderedDict
from collections.abc import Iterator
from enum import StrEnum
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Priority(StrEnum):
    """Who waits for an answer: a person, or a program with much to do."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


# While both lines wait, interactive work gets 8 units of 9.
WEIGHTS = {Priority.INTERACTIVE: 8.0, Priority.BULK: 1.0}
# What is added to interactive work by bulk work that takes its turns.
BULK_SHARE = WEIGHTS[Priority.BULK] / WEIGHTS[Priority.INTERACTIVE]


class FairQueue(Generic[Item]):
    """What came first in its line is taken first, and lines are taken from by their weights.

    This is start-time fair queueing (Goyal, Vin and Cheng, 1996): each line has a clock, which goes
    on by units / weight with each item that is taken, and the line whose clock is behind is next.
    A line that was empty starts where the others are: it saves nothing up. Items are told apart by
    identity; adding, taking and removing one are constant in time.
    """

    def __init__(self) -> None:
        self._lines: dict[Priority, OrderedDict[int, tuple[Item, int]]] = {
            priority: OrderedDict() for priority in Priority
        }
        self._clocks = dict.fromkeys(Priority, 0.0)
        self._now = 0.0
        self._units = dict.fromkeys(Priority, 0)

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def __iter__(self) -> Iterator[Item]:
        for line in self._lines.values():
            yield from (item for item, _ in line.values())

    @property
    def units(self) -> int:
        """Of all that waits."""
        return sum(self._units.values())

    def units_of(self, priority: Priority) -> int:
        """Of one line."""
        return self._units[priority]

    def push(self, item: Item, units: int, priority: Priority) -> None:
        """Add an item to the end of a line."""
        line = self._lines[priority]
        if not line:
            self._clocks[priority] = max(self._clocks[priority], self._now)
        line[id(item)] = item, units
        self._units[priority] += units

    def remove(self, item: Item) -> bool:
        """Take an item out, wherever it is. RETURNS (bool): Whether it was there."""
        for priority, line in self._lines.items():
            if (found := line.pop(id(item), None)) is not None:
                self._units[priority] -= found[1]
                return True
        return False

    def promote(self, item: Item) -> None:
        """Let an item that waits go to the end of the interactive line, if it is in the other."""
        found = self._lines[Priority.BULK].pop(id(item), None)
        if found is not None:
            self._units[Priority.BULK] -= found[1]
            self.push(item, found[1], Priority.INTERACTIVE)

    def firsts(self) -> list[Item]:
        """The first item of each line that has one."""
        return [next(iter(line.values()))[0] for line in self._lines.values() if line]

    def head(self, only: Priority | None = None) -> tuple[Item, int] | None:
        """The item that is next, and its units; None if nothing waits.

        only (Priority): Of this line alone.
        """
        priority = self._next_line(only)
        return None if priority is None else next(iter(self._lines[priority].values()))

    def pop(self, only: Priority | None = None) -> Item:
        """Take what is next, as head tells it. RAISES IndexError: If nothing waits."""
        priority = self._next_line(only)
        if priority is None:
            raise IndexError("Nothing waits.")
        _, (item, units) = self._lines[priority].popitem(last=False)
        self._units[priority] -= units
        self._now = self._clocks[priority]
        self._clocks[priority] += units / WEIGHTS[priority]
        return item

    def _next_line(self, only: Priority | None) -> Priority | None:
        """The line whose clock is behind, of equals the interactive one."""
        lines = self._lines if only is None else {only: self._lines[only]}
        waiting = [priority for priority, line in lines.items() if line]
        return min(waiting, key=self._clocks.__getitem__, default=None)
