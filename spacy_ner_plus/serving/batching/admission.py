"""Whether there is room for a request in a queue: no more waits than is done in time."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from .fair_queue import BULK_SHARE, FairQueue, Priority
from .tickets import QueueFullError, TooMuchError
from .work_rate import WorkRate


@dataclass(frozen=True)
class BatchLimits:
    """How large batches and queues may be.

    batch_seconds (float): What a batch may take. batch_texts (int): How many it may have.
    max_delay (float): Seconds from the first arrival for which a batch that is not full waits for
        more; only of what arrived while another ran.
    max_wait, max_bulk_wait (float): Seconds of work that may wait before an interactive request,
        and before a bulk one.
    max_jobs (int): How many texts may wait.
    """

    batch_seconds: float = 0.25
    batch_texts: int = 256
    max_delay: float = 0.002
    max_wait: float = 1.5
    max_bulk_wait: float = 30.0
    max_jobs: int = 20_000


DEFAULT_LIMITS = BatchLimits()


@dataclass(frozen=True)
class Waiting:
    """What is to be done already.

    queue (FairQueue): What waits. running_units (int): The work that runs. rate (WorkRate): How
        fast it is done.
    """

    queue: FairQueue[Any]
    running_units: int
    rate: WorkRate

    def units_before(self, priority: Priority) -> float:
        """What waits and is done before something that comes now."""
        if priority is Priority.BULK:
            return float(self.queue.units)
        takes_turns = self.queue.units_of(Priority.BULK) > 0
        return self.queue.units_of(priority) * (1 + takes_turns * BULK_SHARE)

    def running_before(self, priority: Priority) -> float:
        """Of what runs, the part that it waits for: interactive work, up to a pause."""
        is_bulk = priority is Priority.BULK
        return self.running_units if is_bulk else min(self.running_units, self.rate.budget)


def check_room(
    waiting: Waiting, new: Collection[int], priority: Priority, limits: BatchLimits
) -> None:
    """Look whether a request may wait.

    What is first in its line may be of any size, but interactive work always has its limit.

    new (Collection[int]): The units of the texts that it adds.
    RAISES QueueFullError: If too much waits already. TooMuchError: If it is too much to be
        interactive.
    """
    if not new:
        return
    limit = limits.max_bulk_wait if priority is Priority.BULK else limits.max_wait
    rate, queue = waiting.rate, waiting.queue
    takes = rate.seconds(sum(new))
    if priority is Priority.INTERACTIVE and takes > limit:
        raise TooMuchError(takes, limit)
    excess = 0.0
    if before := waiting.units_before(priority):
        excess = takes + rate.seconds(before + waiting.running_before(priority)) - limit
    if len(queue) and len(queue) + len(new) > limits.max_jobs:
        excess = max(excess, rate.seconds(queue.units) / 2, 1.0)
    if excess > 0:
        raise QueueFullError(excess)
