"""POST /v1/entities: the entities of a text, or of some records."""

import asyncio
import logging
import traceback
from collections.abc import Sequence
from typing import Any

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from ...records import TextRecord
from ..pipelines.asked_text import RecordFaultError
from ..pipelines.model_info import ModelInfo
from ..serve_settings import RequestLimits
from ..serving_metrics import ServingMetrics
from .answer_records import WantedSpans, answer_record
from .asking import Asking, Found, found_or_fault
from .comparing import Comparing
from .entities_schema import EntitiesRequest, Options, read_request
from .error_answers import JSON
from .held_bytes import HeldBytes
from .request_body import check_type, read_body

logger = logging.getLogger("spacy_ner_plus.serving")

# Bodies that are larger are read and written beside the event loop.
_LARGE = 50_000


class EntitiesRoute:
    """Answers requests for entities.

    asking (Asking): Has models answer. comparing (Comparing): Asks others as well.
    limits (RequestLimits): What requests may be. held (HeldBytes): What of them is in memory.
    metrics (ServingMetrics): Counts.
    """

    def __init__(
        self,
        asking: Asking,
        comparing: Comparing,
        limits: RequestLimits,
        held: HeldBytes,
        metrics: ServingMetrics,
    ) -> None:
        self._asking = asking
        self._comparing = comparing
        self._limits = limits
        self._held = held
        self._metrics = metrics

    async def answer(self, request: Request) -> Response:
        """Read, ask, answer. RAISES ApiError: What is wrong. ClientGoneError: Nobody waits."""
        check_type(request, (JSON,))
        with self._held.account() as account:
            body = await read_body(request, self._limits, account)
            asked, records = await _beside(len(body) > _LARGE, _read, body)
            request.state.texts = [record.text for record in records]
            submitted = self._asking.submit(records, asked)
            found = await self._asking.outcomes(submitted, request)
            log_failures(found)
            self._comparing.begin(submitted, found)
            info = submitted.info
            answered = await _beside(len(body) > _LARGE, answer, info, records, found, asked)
            self._metrics.count_entities(info, answered[1])
            return Response(answered[0], media_type=JSON)


def _read(body: bytes) -> tuple[EntitiesRequest, list[TextRecord]]:
    asked = read_request(body)
    return asked, asked.asked()


def answer(
    info: ModelInfo, records: Sequence[TextRecord], found: Sequence[Found], options: Options
) -> tuple[bytes, list[str]]:
    """The body of an answer, and the labels of all entities in it.

    RAISES ApiError: If a record has no result.
    """
    wanted = WantedSpans(options.threshold, options.labels)
    rows, labels = [], []
    for number, (record, one) in enumerate(zip(records, found, strict=True)):
        row, its = answer_record(record, found_or_fault(one, f"records[{number}]"), wanted)
        rows.append(row)
        labels += its
    model = {"name": info.name, "version": info.version}
    return to_json({"model": model, "records": rows}), labels


async def _beside(is_large: bool, function: Any, *arguments: Any) -> Any:
    """Call a function, in a thread if it takes a while."""
    return await asyncio.to_thread(function, *arguments) if is_large else function(*arguments)


def log_failures(found: Sequence[Found]) -> None:
    """Write down where components failed: not with what words, which may be of texts."""
    for one in found:
        if isinstance(one, Exception) and not isinstance(one, RecordFaultError):
            last = traceback.extract_tb(one.__traceback__)[-1:]
            fields = {
                "error": type(one).__name__,
                "at": [f"{frame.filename}:{frame.lineno}" for frame in last],
            }
            logger.error("pipeline failed", extra={"fields": fields})
