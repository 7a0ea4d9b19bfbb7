"""Many requests to a server at once, each answered, failed, or not sent."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from .answer_cache import AnswerCache, request_key
from .api_key import ApiKey
from .completions_protocol import LlmAnswer, read_response
from .json_post import RequestBounds, post_json
from .request_errors import BudgetError, RequestError, ServerError
from .retrying import RetryPolicy, with_retries
from .server_address import warn_of_open_key
from .spending import CACHED, FAILED, RETRIED, Spending

logger = logging.getLogger("spacy_ner_plus")

SCHEMA_FIELD = "response_format"
_NO_SUCH_FIELD = (400, 422)  # what servers answer that don't know it


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """A request without an answer. error (ValueError): Why: RequestError or BudgetError."""

    error: ValueError


Outcome = LlmAnswer | NoAnswer


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """How a server is asked.

    n_workers (int): Requests at once, at most.
    bounds (RequestBounds), retries (RetryPolicy): Of each.
    max_failures (int): After so many requests in a row that failed, whatever was tried, no other
        is sent.
    needs_schema (bool): Whether a server that does not take a JSON schema is an error. Else
        requests go without one from then on.
    """

    n_workers: int = 4
    bounds: RequestBounds = field(default_factory=RequestBounds)
    retries: RetryPolicy = field(default_factory=RetryPolicy)
    max_failures: int = 5
    needs_schema: bool = False


class LlmClient:
    """Asks one server.

    url (str): The address that requests go to. key (ApiKey): Its key.
    settings (ClientSettings): How it is asked. spending (Spending): Counts, and the budget.
    cache (AnswerCache): Answers that are there already; None for none.
    """

    def __init__(
        self,
        url: str,
        key: ApiKey,
        settings: ClientSettings,
        spending: Spending,
        cache: AnswerCache | None = None,
    ) -> None:
        self.url = url
        self.key = key
        self.settings = settings
        self.spending = spending
        self.cache = cache
        self._takes_schema = True
        self._n_failed_in_row = 0
        self._lock = Lock()
        self._has_warned = False

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state | {"_lock": Lock()}

    def ask(
        self, bodies: Sequence[Mapping[str, Any]], tick: Callable[[], None] = lambda: None
    ) -> list[Outcome]:
        """Send requests, as many at once as may be.

        bodies (Sequence[Mapping]): What is sent. tick (Callable): Called after each, in any thread.
        RETURNS (List[Outcome]): Of each request, in order.
        RAISES ServerError: If the server answers none. What was answered is in the cache.
        """
        if not self._has_warned:
            self._has_warned = True
            warn_of_open_key(self.url, self.key)
        stopped = Event()

        def one(body: Mapping[str, Any]) -> Outcome:
            outcome = self._ask_one(body, stopped)
            tick()
            return outcome

        with ThreadPoolExecutor(max(1, min(self.settings.n_workers, len(bodies)))) as pool:
            futures = [pool.submit(one, body) for body in bodies]
            try:
                return [future.result() for future in futures]
            except BaseException:
                stopped.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _ask_one(self, body: Mapping[str, Any], stopped: Event) -> Outcome:
        cached = self._cached(body)
        if cached is not None:
            self.spending.count(CACHED)
            return cached
        if stopped.is_set():
            return NoAnswer(BudgetError("Nothing more is asked."))
        try:
            self.spending.check()
            answer = self._answered(body, stopped)
        except BudgetError as error:
            return NoAnswer(error)
        except RequestError as error:
            self.spending.count(FAILED)
            self._count_failure(error)
            return NoAnswer(error)
        except ServerError:
            stopped.set()
            raise
        self._n_failed_in_row = 0
        return answer

    def _cached(self, body: Mapping[str, Any]) -> LlmAnswer | None:
        """The answer of an earlier request, with the schema or, where it was refused, without."""
        if self.cache is None:
            return None
        for form in (body, _without_schema(body)):
            if (found := self.cache.get(request_key(self.url, form))) is not None:
                return found.as_cached()
        return None

    def _answered(self, body: Mapping[str, Any], stopped: Event) -> LlmAnswer:
        form = body if self._takes_schema else _without_schema(body)
        try:
            answer = self._sent(form, stopped)
        except RequestError as error:
            is_refused = SCHEMA_FIELD in form and error.status in _NO_SUCH_FIELD
            if self.settings.needs_schema or not is_refused:
                raise
            form = _without_schema(body)
            answer = self._sent(form, stopped)  # if this fails too, it was not for the schema
            self._note_refused_schema(error)
        if self.cache is not None:
            self.cache.put(request_key(self.url, form), answer)
        self.spending.add(answer)
        return answer

    def _sent(self, body: Mapping[str, Any], stopped: Event) -> LlmAnswer:
        def send() -> LlmAnswer:
            return read_response(post_json(self.url, body, self.key, self.settings.bounds))

        answer, n_failed = with_retries(send, self.settings.retries, stopped)
        self.spending.count(RETRIED, n_failed)
        return answer

    def _note_refused_schema(self, error: RequestError) -> None:
        with self._lock:
            is_news, self._takes_schema = self._takes_schema, False
        if is_news:
            logger.warning("Requests go without a JSON schema, which the server refused: %s", error)

    def _count_failure(self, error: RequestError) -> None:
        with self._lock:
            self._n_failed_in_row += 1
            is_hopeless = self._n_failed_in_row >= self.settings.max_failures
        if is_hopeless:
            raise ServerError(
                f"{self._n_failed_in_row} requests in a row have failed, whatever was tried; the "
                f"last: {error}"
            )


def _without_schema(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in body.items() if key != SCHEMA_FIELD}
