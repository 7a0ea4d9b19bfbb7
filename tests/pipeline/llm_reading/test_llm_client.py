"""Requests: answered, failed, kept, paid for; and the key, which nobody sees."""

import json
import logging
import pickle
import stat
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Barrier, Event, Lock
from typing import Any

import pytest

from spacy_ner_plus.pipeline.llm_reading.asking.answer_cache import AnswerCache
from spacy_ner_plus.pipeline.llm_reading.asking.api_key import ApiKey
from spacy_ner_plus.pipeline.llm_reading.asking.completions_protocol import (
    LlmAnswer,
    Sampling,
    request_body,
)
from spacy_ner_plus.pipeline.llm_reading.asking.json_post import RequestBounds
from spacy_ner_plus.pipeline.llm_reading.asking.llm_client import (
    ClientSettings,
    LlmClient,
    NoAnswer,
    Outcome,
)
from spacy_ner_plus.pipeline.llm_reading.asking.request_errors import (
    BudgetError,
    RequestError,
    ServerError,
)
from spacy_ner_plus.pipeline.llm_reading.asking.retrying import RetryPolicy, with_retries
from spacy_ner_plus.pipeline.llm_reading.asking.server_address import endpoint
from spacy_ner_plus.pipeline.llm_reading.asking.spending import Budget, Spending
from tests.pipeline.llm_reading.fake_server import Body, FakeServer, Reply, says

SECRET = "sk-very-secret-0123456789"
QUICK = RetryPolicy(attempts=3, first_wait=0.01)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield


def client_of(
    server: FakeServer,
    cache: Path | None = None,
    budget: Budget | None = None,
    **settings: Any,
) -> LlmClient:
    own = {"n_workers": 1, "retries": QUICK, "bounds": RequestBounds(seconds=20)} | settings
    return LlmClient(
        endpoint(server.url, "chat"),
        ApiKey(),
        ClientSettings(**own),
        Spending(budget or Budget()),
        AnswerCache(cache) if cache else None,
    )


def bodies(n: int = 1, schema: dict[str, Any] | None = None) -> list[Body]:
    return [
        request_body(
            "chat", "tiny", [{"role": "user", "content": f"{i}"}], Sampling(), schema=schema
        )
        for i in range(n)
    ]


def answer(outcome: Outcome) -> LlmAnswer:
    assert isinstance(outcome, LlmAnswer)
    return outcome


def failure(outcome: Outcome) -> str:
    assert isinstance(outcome, NoAnswer)
    return str(outcome.error)


def in_turn(*replies: Reply) -> Callable[[Body], Reply]:
    """One reply after the other; the last again and again."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_a_request_is_answered_and_counted() -> None:
    with FakeServer(lambda _: says("hello", usage=(7, 3))) as server:
        client = client_of(server)
        [found] = client.ask(bodies())
    assert found == LlmAnswer("hello", "stop", 7, 3, (), "tiny-1")
    assert server.headers[0]["Authorization"] == f"Bearer {SECRET}"
    assert server.paths == ["/v1/chat/completions"]
    assert server.requests == bodies()
    assert client.spending.counts["asked"] == 1
    assert client.spending.counts["prompt_tokens"] == 7


def test_without_a_key_none_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with FakeServer(lambda _: says("hello")) as server:
        client_of(server).ask(bodies())
    assert "Authorization" not in server.headers[0]


def test_what_may_pass_is_tried_again() -> None:
    busy = Reply(b"busy", status=429, headers={"Retry-After": "0"})
    with FakeServer(in_turn(Reply(b"oops", status=500), busy, says("hello"))) as server:
        client = client_of(server)
        assert answer(client.ask(bodies())[0]).text == "hello"
    assert client.spending.counts["retried"] == 2


@pytest.mark.parametrize(
    ("reply", "message", "n_requests"),
    [
        (Reply(b"oops", status=503), "answers 503: oops", 3),
        (Reply(b"too long", status=413), "answers 413: too long", 1),
        (Reply(b"later", status=429, headers={"Retry-After": "9999"}), "answers 429: later", 1),
        (Reply(b"<html>"), "not JSON: <html>", 3),
        (Reply(b'{"error": "overloaded"}'), 'with an error: {"error": "overloaded"}', 3),
        (Reply(b'{"choices": []}'), "no choices", 3),
        (Reply(b"[" * 100_000), "not JSON", 3),
        (Reply(b'{"choices": [{"message": {"content": 3}}]}'), "no text", 3),
        (Reply(b'{"choices"', missing=20), "not JSON: {", 3),
        (Reply(b" " * 5000), "more than 2,000 bytes", 1),
    ],
)
def test_what_fails_is_said_and_costs_one_request(
    reply: Reply, message: str, n_requests: int
) -> None:
    with FakeServer(in_turn(*[reply] * n_requests, says("hello"))) as server:
        bound = 2000 if b" " * 9 in bytes(reply.body) else 200_000  # type: ignore[arg-type]
        client = client_of(server, bounds=RequestBounds(seconds=20, size=bound))
        first, second = client.ask(bodies(2))
    assert message in failure(first)
    assert answer(second).text == "hello"
    assert len(server.requests) == n_requests + 1
    assert client.spending.counts["failed"] == 1


def test_a_slow_server_is_not_waited_for() -> None:
    with FakeServer(lambda _: Reply(says("late").body, delay=1.0)) as server:
        client = client_of(
            server, bounds=RequestBounds(seconds=0.1), retries=RetryPolicy(attempts=1)
        )
        assert "did not answer within 0.1 seconds" in failure(client.ask(bodies())[0])


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_no_request_can_mend_stops_all(status: int) -> None:
    refusal = Reply(f"wrong key {SECRET}".encode(), status=status)
    message = rf"answers {status}.*wrong key \*\*\*"
    with (
        FakeServer(lambda _: refusal) as server,
        pytest.raises(ServerError, match=message) as caught,
    ):
        client_of(server).ask(bodies(5))
    assert len(server.requests) == 1
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_takes_the_key_elsewhere(status: int) -> None:
    with FakeServer(lambda _: says("stolen")) as thief:
        away = Reply(status=status, headers={"Location": f"{thief.url}/x?key={SECRET}"})
        message = "is not followed"
        with (
            FakeServer(lambda _: away) as server,
            pytest.raises(ServerError, match=message) as caught,
        ):
            client_of(server).ask(bodies())
    assert not thief.requests
    assert SECRET not in str(caught.value)


def test_nobody_there_is_said_after_a_while() -> None:
    with FakeServer(lambda _: says("hello")) as server:
        client = client_of(server, max_failures=2, retries=RetryPolicy(attempts=1))
    with pytest.raises(
        ServerError, match=r"2 requests in a row have failed.*is the server running"
    ):
        client.ask(bodies(9))


def test_a_schema_that_is_refused_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    def reply(body: Body) -> Reply:
        if "response_format" in body:
            return Reply(b"unknown field response_format", status=400)
        return says("hello")

    with FakeServer(reply) as server:
        client = client_of(server)
        with caplog.at_level(logging.WARNING, logger="spacy_ner_plus"):
            found = client.ask(bodies(3, schema={"type": "object"}))
        assert [answer(one).text for one in found] == ["hello"] * 3
        strict = client_of(server, needs_schema=True)
        assert "unknown field" in failure(strict.ask(bodies(1, schema={}))[0])
    assert len(server.requests) == 5  # refused once, then three without, then the strict one's
    assert caplog.text.count("without a JSON schema") == 1


def test_requests_are_sent_together_but_no_more_than_may_be() -> None:
    barrier, lock, here = Barrier(3), Lock(), [0, 0]

    def reply(_: Body) -> Reply:
        with lock:
            here[0] += 1
            here[1] = max(here)
        barrier.wait(timeout=60)  # breaks unless three are here at once
        with lock:
            here[0] -= 1
        return says("hello")

    with FakeServer(reply) as server:
        found = client_of(server, n_workers=3).ask(bodies(6))
    assert all(answer(one).text == "hello" for one in found)
    assert here[1] == 3


def test_answers_come_in_the_order_of_requests() -> None:
    with FakeServer(lambda body: says(body["messages"][0]["content"])) as server:
        found = client_of(server, n_workers=4).ask(bodies(12))
    assert [answer(one).text for one in found] == [str(i) for i in range(12)]


def test_nothing_is_asked_twice(tmp_path: Path) -> None:
    path = tmp_path / "inner" / "answers"
    with FakeServer(lambda body: says(body["messages"][0]["content"])) as server:
        client_of(server, path).ask(bodies(2))
        later = client_of(server, path)
        found = later.ask(bodies(3))
    assert [answer(one).text for one in found] == ["0", "1", "2"]
    assert [answer(one).is_cached for one in found] == [True, True, False]
    assert len(server.requests) == 3
    assert later.spending.counts["cached"] == 2
    assert later.spending.counts["prompt_tokens"] == 1000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SECRET not in path.read_text(encoding="utf8")


def test_an_answer_without_schema_is_found_again(tmp_path: Path) -> None:
    def reply(body: Body) -> Reply:
        return Reply(b"no", status=422) if "response_format" in body else says("hello")

    with FakeServer(reply) as server:
        client_of(server, tmp_path / "answers").ask(bodies(1, schema={}))
        n_requests = len(server.requests)
        client_of(server, tmp_path / "answers").ask(bodies(1, schema={}))
    assert len(server.requests) == n_requests


def test_a_cache_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "answers"
    with FakeServer(lambda body: says(body["messages"][0]["content"])) as server:
        client_of(server, path).ask(bodies(3))
        whole = path.read_bytes()
        path.write_bytes(whole[:-20])  # the third was being written
        path.chmod(0o644)
        client = client_of(server, path)
        assert [answer(one).text for one in client.ask(bodies(4))] == ["0", "1", "2", "3"]
        assert client.cache is not None
        assert client.cache.n_damaged == 1
        assert len(server.requests) == 5
        client_of(server, path).ask(bodies(4))
    assert len(server.requests) == 5
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "row", ['{"key": "x"}', '{"key": "x", "text": 3}', '{"key": "x", "scores": 3}', '{"key": "x']
)
def test_a_cache_that_is_damaged_is_not_used(tmp_path: Path, row: str) -> None:
    path = tmp_path / "answers"
    path.write_text(row + "\n", encoding="utf8")
    cache = AnswerCache(path)
    assert cache.get("x") is None
    assert cache.n_damaged == 1
    cache.put("x", LlmAnswer("hello"))
    assert AnswerCache(path).get("x") == LlmAnswer("hello", is_cached=True)


@pytest.mark.parametrize("content", ["export PATH=/bin\n", "{}\n", "[]", "\n"])
def test_another_file_is_no_cache(tmp_path: Path, content: str) -> None:
    path = tmp_path / "profile"
    path.write_text(content, encoding="utf8")
    path.chmod(0o644)
    with pytest.raises(ValueError, match="is no cache of answers"):
        AnswerCache(path).put("x", LlmAnswer("hello"))
    assert path.read_text(encoding="utf8") == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_no_other_secret_can_be_named() -> None:
    with pytest.raises(ValueError, match="must end in _API_KEY"):
        ApiKey("AWS_SECRET_ACCESS_KEY")


def test_a_link_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "answers").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="can't be written"):
        AnswerCache(tmp_path / "answers").put("x", LlmAnswer("hello"))
    assert not (tmp_path / "elsewhere").exists()


def test_a_budget_stops_with_what_is_done_kept(tmp_path: Path) -> None:
    path = tmp_path / "answers"
    with FakeServer(lambda _: says("hello", usage=(90, 10))) as server:
        budget = Budget(prompt_price=10_000, completion_price=20_000, cost=2.0)
        client = client_of(server, path, budget)
        found = client.ask(bodies(5))
        assert [isinstance(one, LlmAnswer) for one in found] == [True, True, False, False, False]
        assert client.spending.cost == pytest.approx(2 * (0.9 + 0.2))
        assert isinstance(found[2], NoAnswer)
        assert isinstance(found[2].error, BudgetError)
        again = client_of(server, path, Budget(tokens=250)).ask(bodies(5))
        assert all(isinstance(one, LlmAnswer) for one in again)  # two from the cache, 3 x 100


def test_a_budget_needs_a_server_that_counts() -> None:
    with FakeServer(lambda _: says("hello", usage=None)) as server:
        client_of(server).ask(bodies())
        with pytest.raises(ServerError, match="does not say how many tokens"):
            client_of(server, budget=Budget(tokens=9)).ask(bodies())


def test_costs_need_prices() -> None:
    with pytest.raises(ValueError, match="nothing costs anything"):
        Budget(cost=1.0)
    with pytest.raises(ValueError, match="0 or more"):
        Budget(tokens=-1)


def test_copies_do_not_hold_the_key(tmp_path: Path) -> None:
    with FakeServer(lambda _: says("hello")) as server:
        client = client_of(server, tmp_path / "answers")
        saved = pickle.dumps(client)
        assert answer(pickle.loads(saved).ask(bodies())[0]).text == "hello"
    assert SECRET.encode() not in saved
    assert SECRET not in repr(client.key)


def test_a_key_that_would_add_headers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"{SECRET}\r\nX-Other: 1")
    message = "has line ends"
    with (
        FakeServer(lambda _: says("hello")) as server,
        pytest.raises(ValueError, match=message) as caught,
    ):
        client_of(server).ask(bodies())
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert not server.requests


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:80",
        "ftp://x/v1",
        "http://",
        "http://x:port/v1",
        "http://x/v1\n",
        "file:///etc",
    ],
)
def test_an_address_must_be_one(url: str) -> None:
    with pytest.raises(ValueError, match="no address of a server"):
        endpoint(url, "chat")


@pytest.mark.parametrize("url", ["http://me:secret@x/v1", "http://x/v1?key=secret"])
def test_an_address_holds_no_secret(url: str) -> None:
    with pytest.raises(ValueError, match="put the key into the environment") as caught:
        endpoint(url, "chat")
    assert "secret" not in str(caught.value)


def test_an_open_network_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    client = LlmClient(
        "http://example.invalid/v1/completions", ApiKey(), ClientSettings(), Spending()
    )
    with caplog.at_level(logging.WARNING, logger="spacy_ner_plus"):
        assert client.ask([]) == []
    assert "without encryption" in caplog.text
    assert SECRET not in caplog.text


def test_waits_grow_and_heed_the_server() -> None:
    policy = RetryPolicy(attempts=9, first_wait=1.0, longest_wait=10.0)
    assert [policy.wait(i, None, 1.0) for i in (1, 2, 3, 4, 5, 8)] == [1, 2, 4, 8, 10, 10]
    assert policy.wait(1, 3.0, 0.5) == 3.5
    assert policy.wait(1, 11.0, 0.5) is None
    assert policy.wait(9, None, 0.5) is None


def test_a_stopped_run_waits_no_longer() -> None:
    stopped = Event()
    stopped.set()

    def fail() -> None:
        raise RequestError("no", may_pass=True, wait=100.0)

    with pytest.raises(RequestError):
        with_retries(fail, RetryPolicy(), stopped)


def test_fields_are_added_and_taken_out() -> None:
    sampling = Sampling(
        max_tokens=5, extra={"max_tokens": None, "max_completion_tokens": 5, "seed": 3}
    )
    body = request_body("completion", "tiny", "go on", sampling, seed=1)
    assert "max_tokens" not in body
    assert body["max_completion_tokens"] == 5
    assert body["seed"] == 3
    assert json.loads(json.dumps(body)) == body
