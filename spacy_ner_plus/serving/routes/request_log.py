"""What is noted of each request, whatever becomes of it."""

import logging
import time
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..security.access import KEY_NAME
from ..serving_metrics import ServingMetrics
from .error_answers import ApiError, send_error

logger = logging.getLogger("spacy_ner_plus.serving")

OTHER = "other"
CLIENT_GONE = 499  # as nginx has it: nobody waited for the answer
# What machines ask all the time: counted, and in the log only if it fails.
QUIET = ("/livez", "/readyz", "/metrics")


class RequestLog:
    """Counts requests, writes a line for each, and answers those that failed.

    app (ASGIApp): Answers the others. paths (Collection[str]): Those of its routes: what else
        somebody asks for is "other".
    metrics (ServingMetrics): Counts.
    is_draining (Callable[[], bool]): Whether connections are to be closed after their answers.
    log_texts (bool): Whether texts are written, too.
    """

    def __init__(
        self,
        app: ASGIApp,
        paths: frozenset[str],
        metrics: ServingMetrics,
        *,
        is_draining: Callable[[], bool],
        log_texts: bool = False,
    ) -> None:
        self._app = app
        self._paths = paths
        self._metrics = metrics
        self._is_draining = is_draining
        self._log_texts = log_texts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), CLIENT_GONE

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", ()))
                if self._is_draining():
                    headers.append((b"connection", b"close"))
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as error:
            logger.error("failed", exc_info=error, extra={"fields": _place(error)})
            if status == CLIENT_GONE:  # nothing was sent yet
                await send_error(ApiError(500, "internal", "The server failed: see its log."), sent)
        finally:
            self._note(scope, status, time.perf_counter() - begun)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        path = scope["path"] if scope["path"] in self._paths else OTHER
        self._metrics.count_request(path, status, seconds)
        if path in QUIET and status == 200:
            return
        state: dict[str, Any] = scope.get("state", {})
        texts = state.get("texts", ())
        fields = {"method": scope["method"], "route": path, "status": status}
        fields |= {"ms": round(1000 * seconds, 1), "texts": len(texts)}
        if KEY_NAME in state:
            fields["key"] = state[KEY_NAME]
        if self._log_texts and texts:
            fields["content"] = texts
        logger.info("request", extra={"fields": fields})


def _place(error: Exception) -> dict[str, Any]:
    """Where an error came from, without its words, which may be of a text."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")
        trace = trace.tb_next
    return {"at": places[-3:]}
