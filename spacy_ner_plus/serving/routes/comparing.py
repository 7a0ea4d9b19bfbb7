"""Requests that another version is asked as well, to see where it differs."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence

from ..batching.fair_queue import Priority
from ..batching.tickets import RefusedError
from ..pipelines.asked_text import AskedText, FoundEntities
from ..pipelines.model_info import ModelInfo
from ..pipelines.model_set import ModelSlot
from ..pipelines.span_differences import count_differences
from .asking import Found, Submitted

logger = logging.getLogger("spacy_ner_plus.serving")

_MAX_RUNNING = 64
_SECONDS = 60.0
# Of the model that answered, the one that was compared, and the counts; None: there was no room.
OnCompared = Callable[[ModelInfo, ModelInfo, Counter[str] | None], None]


class Comparing:
    """Asks other versions what has been answered, behind all other work, and tells of differences.

    Nobody waits for it: where there is no room it is left out, which is counted.

    on_compared (Callable): Is told of each request that was compared, or left out.
    """

    def __init__(self, on_compared: OnCompared) -> None:
        self._on_compared = on_compared
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, submitted: Submitted, found: Sequence[Found]) -> None:
        """Ask the others of a route what its model has answered."""
        for slot in submitted.route.compared:
            if slot.info is None:
                continue
            if len(self._running) >= _MAX_RUNNING:
                self._on_compared(submitted.info, slot.info, None)
                continue
            task = asyncio.create_task(self._compare(submitted.info, slot, submitted.asks, found))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _compare(
        self, info: ModelInfo, slot: ModelSlot, asks: Sequence[AskedText], found: Sequence[Found]
    ) -> None:
        loaded = slot.current
        if loaded is None:
            return
        try:
            expires = time.monotonic() + _SECONDS
            ticket = loaded.batcher.submit(asks, priority=Priority.BULK, expires=expires)
            others = await asyncio.wrap_future(ticket.future)
        except RefusedError:
            self._on_compared(info, loaded.info, None)
            return
        counts: Counter[str] = Counter()
        for one, other in zip(found, others, strict=True):
            if isinstance(one, FoundEntities) and isinstance(other, FoundEntities):
                counts += count_differences(one.spans, other.spans)
            else:
                counts["failed"] += 1
        self._on_compared(info, loaded.info, counts)
        fields = {
            "model": info.name,
            "answered": info.version,
            "compared": loaded.info.version,
            "texts": len(asks),
            **counts,
        }
        logger.info("compared", extra={"fields": fields})
