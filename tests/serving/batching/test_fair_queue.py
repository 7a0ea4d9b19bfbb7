"""The queue with two lines, compared with what its rules say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from spacy_ner_plus.serving.batching.fair_queue import WEIGHTS, FairQueue, Priority

BOTH = st.sampled_from(list(Priority))


class Item:
    """Told apart by identity."""


class Lines(RuleBasedStateMachine):
    """Each line is first in, first out, and counts agree."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: FairQueue[Item] = FairQueue()
        self.lines: dict[Priority, list[tuple[Item, int]]] = {p: [] for p in Priority}

    @rule(units=st.integers(1, 100), priority=BOTH)
    def push(self, units: int, priority: Priority) -> None:
        item = Item()
        self.queue.push(item, units, priority)
        self.lines[priority].append((item, units))

    @precondition(lambda self: any(self.lines.values()))
    @rule()
    def pop(self) -> None:
        head = self.queue.head()
        item = self.queue.pop()
        assert head is not None and head[0] is item
        [line] = [line for line in self.lines.values() if line and line[0][0] is item]
        line.pop(0)

    @precondition(lambda self: any(self.lines.values()))
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        line = data.draw(st.sampled_from([line for line in self.lines.values() if line]))
        item, _ = line.pop(data.draw(st.integers(0, len(line) - 1)))
        assert self.queue.remove(item)
        assert not self.queue.remove(item)

    @precondition(lambda self: self.lines[Priority.BULK])
    @rule(data=st.data())
    def promote(self, data: st.DataObject) -> None:
        line = self.lines[Priority.BULK]
        pair = line.pop(data.draw(st.integers(0, len(line) - 1)))
        self.queue.promote(pair[0])
        self.lines[Priority.INTERACTIVE].append(pair)

    @invariant()
    def counts(self) -> None:
        assert len(self.queue) == sum(map(len, self.lines.values()))
        for priority, line in self.lines.items():
            assert self.queue.units_of(priority) == sum(units for _, units in line)
        firsts = [line[0][0] for line in self.lines.values() if line]
        assert self.queue.firsts() == firsts
        assert set(self.queue) == {item for line in self.lines.values() for item, _ in line}


TestLines = Lines.TestCase


@given(st.lists(st.integers(1, 20), min_size=5, max_size=60))
def test_while_both_wait_each_gets_its_share(sizes: list[int]) -> None:
    queue: FairQueue[tuple[Priority, int]] = FairQueue()
    for priority in Priority:
        for units in sizes:
            queue.push((priority, units), units, priority)
    got = dict.fromkeys(Priority, 0)
    while all(queue.units_of(p) for p in Priority):
        priority, units = queue.pop()
        got[priority] += units
        shares = [got[p] / WEIGHTS[p] for p in Priority]
        assert abs(shares[0] - shares[1]) <= max(sizes) * sum(1 / w for w in WEIGHTS.values())


def test_a_line_that_was_empty_saves_nothing_up() -> None:
    queue: FairQueue[Item] = FairQueue()
    for _ in range(100):
        queue.push(Item(), 10, Priority.BULK)
        queue.pop()
    late, bulk = [Item() for _ in range(20)], [Item() for _ in range(20)]
    for a, b in zip(late, bulk, strict=True):
        queue.push(a, 10, Priority.INTERACTIVE)
        queue.push(b, 10, Priority.BULK)
    taken = [queue.pop() for _ in range(20)]
    assert len([item for item in taken if item in bulk]) == 2


def test_nothing_can_be_taken_from_an_empty_queue() -> None:
    queue: FairQueue[Item] = FairQueue()
    assert queue.head() is None
    with pytest.raises(IndexError, match="Nothing waits"):
        queue.pop()
