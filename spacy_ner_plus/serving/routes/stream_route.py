"""POST /v1/entities/stream: records in, a line each, and records out, in constant memory."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json, to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ...records import TextRecord
from ..batching.fair_queue import Priority
from ..batching.tickets import RefusedError
from ..serve_settings import RequestLimits
from ..serving_metrics import ServingMetrics
from .answer_records import WantedSpans, answer_record
from .asking import Asking, Submitted, found_or_fault
from .comparing import Comparing
from .entities_route import log_failures
from .entities_schema import Options, as_api_error
from .error_answers import ApiError
from .held_bytes import Account, HeldBytes
from .request_body import ClientGoneError, check_type, read_lines

logger = logging.getLogger("spacy_ner_plus.serving")

NDJSON = "application/x-ndjson"
TYPES = (NDJSON, "application/jsonl", "application/json")
_WINDOW = 128  # lines that are with the model at once
_WAIT = 0.05  # seconds after which a full queue is asked again
_LISTS = ("labels",)


@dataclass
class _Line:
    """A line on its way: what became of it, or what was wrong with it."""

    number: int
    size: int
    record: TextRecord | None = None
    submitted: Submitted | None = None
    error: ApiError | None = None


class StreamRoute:
    """Answers streams of records.

    asking (Asking), comparing (Comparing), limits (RequestLimits), held (HeldBytes), metrics
        (ServingMetrics): As those of EntitiesRoute.
    stopping (asyncio.Event): Set when the server is to stop: no more lines are read then.
    """

    def __init__(
        self,
        asking: Asking,
        comparing: Comparing,
        limits: RequestLimits,
        held: HeldBytes,
        metrics: ServingMetrics,
        stopping: asyncio.Event,
    ) -> None:
        self._asking = asking
        self._comparing = comparing
        self._limits = limits
        self._held = held
        self._metrics = metrics
        self._stopping = stopping

    def answer(self, request: Request) -> "LinesResponse":
        """Begin to answer. RAISES ApiError: What is wrong with the request itself."""
        check_type(request, TYPES)
        options = read_options(request)
        self._asking.model_of(options)
        return LinesResponse(self._rows(request, options), self._limits.idle_seconds)

    async def _rows(self, request: Request, options: Options) -> AsyncGenerator[bytes]:
        """A line for each line that is not empty, in their order."""
        lines = _LineWindow(_WINDOW, self._limits.max_body)
        with self._held.account() as account:
            async for row in self._answered(request, options, lines, account):
                yield row

    async def _answered(
        self, request: Request, options: Options, lines: "_LineWindow", held: Account
    ) -> AsyncGenerator[bytes]:
        reader = asyncio.create_task(self._read(request, options, lines, held))
        stop = asyncio.create_task(self._stopping.wait())
        stop.add_done_callback(lambda task: task.cancelled() or reader.cancel())
        try:
            while (line := await lines.first()) is not None:
                yield await self._finish(line, options)
                held.give_back(line.size)
                await lines.drop_first()
            yield await self._last(reader, lines)
        finally:
            stop.cancel()
            reader.cancel()
            for line in lines.all():
                if line.submitted is not None:
                    line.submitted.batcher.cancel(line.submitted.ticket)

    async def _read(
        self, request: Request, options: Options, lines: "_LineWindow", held: Account
    ) -> None:
        try:
            with self._held.account() as account:
                async for text in read_lines(request, self._limits, account):
                    lines.n_read += 1
                    if text.strip():
                        line = _Line(lines.n_read, len(text))
                        await lines.wait_for_room(line.size)
                        while not held.take_if_room(line.size):
                            await asyncio.sleep(_WAIT)
                        await self._begin(line, text, options)
                        await lines.add(line)
        finally:
            await lines.end()

    async def _begin(self, line: _Line, text: bytes, options: Options) -> None:
        """Give a line to the model; while its queue is full, wait."""
        try:
            line.record = _read_record(text)
            while line.submitted is None:
                try:
                    line.submitted = self._asking.submit(
                        [line.record], options, expire=False, at="text"
                    )
                except ApiError as error:
                    if error.code != "queue_full":
                        raise
                    await asyncio.sleep(_WAIT)
        except ApiError as error:
            line.error = error

    async def _finish(self, line: _Line, options: Options) -> bytes:
        try:
            if line.error is not None or line.submitted is None or line.record is None:
                raise line.error or ApiError(422, "invalid", "No record.")
            found = await asyncio.wrap_future(line.submitted.ticket.future)
            log_failures(found)
            wanted = WantedSpans(options.threshold, options.labels)
            row, labels = answer_record(line.record, found_or_fault(found[0], ""), wanted)
        except ApiError as error:
            return _error_row(line.number, error, line.record)
        except RefusedError as error:
            stopped = ApiError(503, "stopping", str(error))
            return _error_row(line.number, stopped, line.record)
        self._metrics.count_entities(line.submitted.info, labels)
        self._comparing.begin(line.submitted, found)
        return bytes(to_json(row)) + b"\n"

    async def _last(self, reader: "asyncio.Task[None]", lines: "_LineWindow") -> bytes:
        """What comes behind all lines: nothing, or why the rest was not read."""
        try:
            await reader
        except ClientGoneError:
            return b""
        except ApiError as error:
            return _error_row(lines.n_read + 1, error)
        except asyncio.CancelledError:
            if not self._stopping.is_set():
                raise
            stops = ApiError(503, "stopping", "The server stops: send this and what follows again.")
            return _error_row(lines.n_read + 1, stops)
        return b""


class _LineWindow:
    """The lines that are on their way, in order; bounded in number and bytes."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self.n_read = 0
        self._most = most
        self._most_bytes = most_bytes
        self._lines: deque[_Line] = deque()
        self._is_ended = False
        self._changed = asyncio.Condition()

    def all(self) -> list[_Line]:
        """Those that are there."""
        return list(self._lines)

    async def wait_for_room(self, size: int) -> None:
        """Until another line fits; one alone always does."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: (
                    not self._lines
                    or (
                        len(self._lines) < self._most
                        and sum(line.size for line in self._lines) + size <= self._most_bytes
                    )
                )
            )

    async def add(self, line: _Line) -> None:
        """Put a line at the end."""
        async with self._changed:
            self._lines.append(line)
            self._changed.notify_all()

    async def end(self) -> None:
        """There will be no more."""
        async with self._changed:
            self._is_ended = True
            self._changed.notify_all()

    async def first(self) -> _Line | None:
        """The first line, when it is there; None if there will be none."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._lines or self._is_ended)
            return self._lines[0] if self._lines else None

    async def drop_first(self) -> None:
        """It is done."""
        async with self._changed:
            self._lines.popleft()
            self._changed.notify_all()


class LinesResponse(Response):
    """Sends lines as they come, and gives up on a client that does not take them."""

    def __init__(self, rows: AsyncGenerator[bytes], idle_seconds: float) -> None:
        super().__init__(media_type=NDJSON)
        self._rows = rows
        self._idle_seconds = idle_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""
        headers = [(b"content-type", NDJSON.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async with aclosing(self._rows) as rows:
            async for row in rows:
                if row:
                    async with asyncio.timeout(self._idle_seconds):
                        await send({"type": "http.response.body", "body": row, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def read_options(request: Request) -> Options:
    """The options of a request, which are in its address. RAISES ApiError: What is wrong."""
    query = request.query_params
    if "timeout" in query:
        message = "A stream takes as long as it takes: leave timeout out."
        raise ApiError(422, "invalid", message, where="timeout")
    given: dict[str, Any] = {
        name: query.getlist(name) if name in _LISTS else query[name] for name in query
    }
    given.setdefault("priority", Priority.BULK)
    try:
        return Options.model_validate(given, strict=False)
    except ValidationError as error:
        raise as_api_error(error) from None


def _read_record(line: bytes) -> TextRecord:
    """RAISES ApiError: What is wrong."""
    try:
        return TextRecord.from_json(from_json(line, allow_inf_nan=False))
    except ValueError as error:
        raise ApiError(422, "invalid", str(error)) from None


def _error_row(number: int, error: ApiError, record: TextRecord | None = None) -> bytes:
    row = {"line": number, **error.body()}
    if record is not None and record.id is not None:
        row["id"] = record.id
    return bytes(to_json(row)) + b"\n"
