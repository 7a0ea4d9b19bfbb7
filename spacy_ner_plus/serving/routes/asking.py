"""From a request to the model that answers it, and back."""

import asyncio
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from ...records import TextRecord
from ..batching.batcher import Batcher
from ..batching.tickets import (
    ClosedError,
    ExpiredError,
    QueueFullError,
    Ticket,
    TooMuchError,
)
from ..pipelines.asked_text import AskedText, FoundEntities, RecordFaultError
from ..pipelines.loaded_model import LoadedModel
from ..pipelines.model_info import ModelInfo
from ..pipelines.model_set import ModelSet, Route, UnknownModelError
from ..serve_settings import RequestLimits
from .entities_schema import Options
from .error_answers import ApiError, busy
from .request_body import ClientGoneError

logger = logging.getLogger("spacy_ner_plus.serving")

Found = FoundEntities | Exception


@dataclass(frozen=True)
class Submitted:
    """Texts that a model has taken.

    batcher, ticket: Where, and who waits for them. expires (float): Until when, by time.monotonic.
    route (Route): Who answers, and who is compared. info (ModelInfo): Of the model that answers.
    asks (Sequence[AskedText]): The texts.
    """

    batcher: Batcher[AskedText, FoundEntities]
    ticket: Ticket[FoundEntities]
    expires: float
    route: Route
    info: ModelInfo
    asks: Sequence[AskedText]


class Asking:
    """Has models answer.

    models (ModelSet): The models. limits (RequestLimits): What requests may be.
    """

    def __init__(self, models: ModelSet, limits: RequestLimits) -> None:
        self._models = models
        self._limits = limits

    def model_of(self, options: Options) -> LoadedModel:
        """The model that a request names, after its options were looked at.

        RAISES ApiError: If there is none, or it can't do what the options say.
        """
        try:
            loaded = self._models.find(options.model, options.version).current
        except UnknownModelError as error:
            if any(slot.info is None for slot in self._models.slots):
                raise busy("not_ready", "The model is being loaded.", 5.0, status=503) from None
            raise ApiError(404, "unknown_model", str(error), where="model") from None
        if loaded is None:
            raise busy("not_ready", "The model is being loaded.", 5.0, status=503)
        check_options(options, loaded.info)
        return loaded

    def submit(
        self, records: Sequence[TextRecord], options: Options, *, expire: bool = True, at: str = ""
    ) -> Submitted:
        """Put records into the queue of a model.

        expire (bool): Whether they leave it when the time of a request is up.
        at (str): What an error calls the place of the only record, if not records[0].
        RAISES ApiError: If one can't be taken, or there is no room.
        """
        self._check_sizes(records, self.model_of(options).info, at)
        asks = [AskedText.of(record, options.alternatives) for record in records]
        route = self._models.route(options.model, options.version, asks)
        loaded = route.slot.current
        if loaded is None:
            raise busy("not_ready", "The model is being loaded.", 5.0, status=503)
        check_options(options, loaded.info)
        _check_given(asks, loaded.info, at)
        most = self._limits.request_seconds
        seconds = min(options.timeout or most, most) if expire else math.inf
        expires = time.monotonic() + seconds
        try:
            ticket = loaded.batcher.submit(asks, priority=options.priority, expires=expires)
        except QueueFullError as error:
            message = "The queue is full: try again after the time in Retry-After."
            raise busy("queue_full", message, error.retry_after) from None
        except TooMuchError as error:
            raise ApiError(413, "too_much_for_interactive", str(error)) from None
        except ClosedError as error:
            raise busy("stopping", str(error), 1.0, status=503) from None
        return Submitted(loaded.batcher, ticket, expires, route, loaded.info, asks)

    async def outcomes(self, submitted: Submitted, request: Request) -> Sequence[Found]:
        """Wait for what a model found. A request that nobody waits for leaves the queue.

        RAISES ApiError: If its time is up. ClientGoneError: If the client is gone.
        """
        future = asyncio.wrap_future(submitted.ticket.future)
        gone = asyncio.ensure_future(_disconnected(request))
        try:
            left = submitted.expires - time.monotonic()
            both: set[asyncio.Future[Any]] = {future, gone}
            await asyncio.wait(both, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if future.done():
                return future.result()
        except ExpiredError:
            raise _expired() from None
        except ClosedError as error:
            raise busy("stopping", str(error), 1.0, status=503) from None
        finally:
            gone.cancel()
            if not future.done():
                submitted.batcher.cancel(submitted.ticket)
        if gone.done() and not gone.cancelled():
            raise ClientGoneError
        raise _expired()

    def _check_sizes(self, records: Sequence[TextRecord], info: ModelInfo, at: str) -> None:
        """RAISES ApiError: If there are too many records, or a text is too long."""
        if len(records) > self._limits.max_records:
            raise ApiError(
                413,
                "too_many_records",
                f"{len(records):,} records, but {self._limits.max_records:,} at most: send them in "
                "parts, or as a stream.",
                where="records",
            )
        most = min(self._limits.max_text, info.max_characters)
        for number, record in enumerate(records):
            if len(record.text) > most:
                raise ApiError(
                    413,
                    "text_too_long",
                    f"The text has {len(record.text):,} characters, but {most:,} at most: cut it "
                    "between paragraphs.",
                    where=at or f"records[{number}].text",
                )


def check_options(options: Options, info: ModelInfo) -> None:
    """RAISES ApiError: If a model can't do what the options say."""
    unknown = sorted(options.wanted_labels() - set(info.labels))
    if info.labels and unknown:
        raise ApiError(
            422,
            "unknown_label",
            f"{info.name} {info.version} does not know {', '.join(unknown)!a:.200}. It knows: "
            f"{', '.join(info.labels)}.",
            where="labels" if set(options.labels or ()) & set(unknown) else "threshold",
        )
    if options.alternatives and not info.has_alternatives:
        message = f"{info.name} {info.version} gives no alternatives."
        raise ApiError(422, "no_alternatives", message, where="alternatives")


def _check_given(asks: Sequence[AskedText], info: ModelInfo, at: str) -> None:
    if info.keeps_entities:
        return
    for number, ask in enumerate(asks):
        if ask.has_entities:
            raise ApiError(
                422,
                "replaces_entities",
                f"{info.name} {info.version} replaces entities that are given "
                '(existing_ents = "overwrite"): leave them out, or name another model.',
                where="spans" if at else f"records[{number}].spans",
            )


def found_or_fault(found: Found, at: str) -> FoundEntities:
    """What was found in a record. RAISES ApiError: Why there is nothing. at (str): Its place."""
    if isinstance(found, FoundEntities):
        return found
    if isinstance(found, RecordFaultError):
        where = ".".join(filter(None, (at, found.where)))
        raise ApiError(422, "record_does_not_fit", str(found), where=where)
    raise ApiError(
        500, "pipeline_failed", "A component of the pipeline failed on this text.", where=at
    )


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _expired() -> ApiError:
    return busy("expired", "The time of the request was up.", 1.0, status=503)
