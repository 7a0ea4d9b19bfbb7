"""POST /v1/entities/stream: a line out for each line in, in order, in constant memory."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from spacy_ner_plus.serving.pipelines.model_set import ModelSet
from spacy_ner_plus.serving.routes.app import make_app
from spacy_ner_plus.serving.serve_settings import RequestLimits
from tests.pipeline.samples import TEXTS
from tests.serving.apps import client, make_serving

PATH = "/v1/entities/stream"
NDJSON = {"content-type": "application/x-ndjson"}


def lines(rows: Iterable[Any]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def rows(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.text.splitlines()]


def test_each_record_comes_back_in_order_as_from_the_other_route(models: ModelSet) -> None:
    records = [{"id": i, "text": TEXTS[i % len(TEXTS)], "mine": i} for i in range(150)]
    with client(models) as made:
        found = rows(made.post(PATH, content=lines(records), headers=NDJSON))
        other = made.post("/v1/entities", json={"records": records}).json()["records"]
    assert [row["id"] for row in found] == list(range(150))
    for row, expected in zip(found, other, strict=True):
        for span in (*row["spans"], *expected["spans"]):
            span["probability"] = round(span["probability"], 3)
        assert row == expected


def test_bad_lines_come_back_as_errors_and_the_rest_goes_on(models: ModelSet) -> None:
    body = b"".join(
        [
            b'{"text": "a"}\r\n',
            b"\n",
            b"no json\n",
            b'{"id": 7, "text": "abc", "spans": [{"start": 0, "end": 1, "label": "A"}]}\n',
            b"[1]\n",
            b'{"text": "\\ud800"}\n',
            b'{"id": "long", "text": "' + b"x" * 300 + b'"}\n',
            b"[" * 900 + b"\n",
            b'{"text": "b"}',
        ]
    )
    with client(models, requests=RequestLimits(max_body=1_000, max_text=200)) as made:
        found = rows(made.post(PATH, content=body, headers=NDJSON))
    assert [row.get("line") for row in found] == [None, 3, 4, 5, 6, 7, 8, None]
    codes = [row["error"]["code"] for row in found if "error" in row]
    assert codes == [
        "invalid",
        "record_does_not_fit",
        "invalid",
        "invalid",
        "text_too_long",
        "invalid",
    ]
    assert found[2]["id"] == 7 and found[2]["error"]["where"] == "spans[0]"
    assert found[5]["error"]["where"] == "text"


def test_line_that_is_too_long_ends_the_stream_and_says_so(models: ModelSet) -> None:
    body = b'{"text": "a"}\n' + b"x" * 100_000
    with client(models, requests=RequestLimits(max_body=1_000)) as made:
        found = rows(made.post(PATH, content=body, headers=NDJSON))
    assert found[0]["text"] == "a"
    assert (found[1]["line"], found[1]["error"]["code"]) == (2, "too_large")


def test_options_are_in_the_address(models: ModelSet) -> None:
    with client(models) as made:
        everything = rows(made.post(PATH, content=lines([{"text": TEXTS[0]}]), headers=NDJSON))
        options = {"threshold": "0.5", "labels": ["Disease"], "alternatives": "2"}
        few = rows(
            made.post(PATH, params=options, content=lines([{"text": TEXTS[0]}]), headers=NDJSON)
        )
    expected = [
        s for s in everything[0]["spans"] if s["probability"] >= 0.5 and s["label"] == "Disease"
    ]
    assert few[0]["spans"] == expected
    assert few[0]["sentences"]


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("treshold=1", NDJSON, 422),
        ("timeout=1", NDJSON, 422),
        ("threshold=high", NDJSON, 422),
        ("labels=PER", NDJSON, 422),
        ("model=x", NDJSON, 404),
        ("", {"content-type": "text/plain"}, 415),
    ],
)
def test_what_is_wrong_with_the_request_is_said_at_once(
    query: str, headers: dict[str, str], status: int, models: ModelSet
) -> None:
    with client(models) as made:
        response = made.post(f"{PATH}?{query}", content=b"", headers=headers)
    assert response.status_code == status
    assert response.json()["error"]["code"]


def test_packed_streams_are_unpacked_but_not_out_of_proportion(models: ModelSet) -> None:
    with client(models) as made:
        packed = {**NDJSON, "content-encoding": "gzip"}
        body = gzip.compress(lines([{"text": "a"}] * 3))
        assert len(rows(made.post(PATH, content=body, headers=packed))) == 3
        bomb = gzip.compress(b"\n" * 5_000_000)
        [row] = rows(made.post(PATH, content=bomb, headers=packed))
    assert row["error"]["code"] == "too_large"


class Talk:
    """A request whose body comes as a test says, and whose answer a test reads on the way."""

    def __init__(self, app: Any, takes: int = 0) -> None:
        self.coming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue(maxsize=takes)
        headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/x-ndjson")]
        scope = {
            "type": "http",
            "method": "POST",
            "path": PATH,
            "raw_path": PATH.encode(),
            "query_string": b"",
            "headers": headers,
            "http_version": "1.1",
            "scheme": "http",
            "root_path": "",
            "server": ("127.0.0.1", 80),
            "client": None,
        }
        self.task = asyncio.ensure_future(app(scope, self.coming.get, self.sent.put))

    def give(self, body: bytes, *, is_more: bool = True) -> None:
        self.coming.put_nowait({"type": "http.request", "body": body, "more_body": is_more})

    async def rows(self) -> AsyncIterator[dict[str, Any]]:
        while (message := await self.sent.get()).get("more_body", True):
            for line in message.get("body", b"").splitlines():
                yield json.loads(line)


def talk(models: ModelSet, say: Any, **settings: Any) -> None:
    async def run() -> None:
        serving = make_serving(models, **settings)
        one = Talk(make_app(serving))
        async with asyncio.timeout(60):
            await say(one, serving)
            await one.task

    asyncio.run(run())


def test_answers_come_while_the_request_is_still_being_sent(models: ModelSet) -> None:
    async def say(one: Talk, _: Any) -> None:
        rows = one.rows()
        for i in range(3):
            one.give(lines([{"id": i, "text": "a"}]))
            assert (await anext(rows))["id"] == i
        one.give(b"", is_more=False)
        assert [row async for row in rows] == []

    talk(models, say)


def test_server_that_stops_finishes_lines_and_says_where_to_go_on(models: ModelSet) -> None:
    async def say(one: Talk, serving: Any) -> None:
        rows = one.rows()
        one.give(lines([{"id": 0, "text": "a"}, {"id": 1, "text": "b"}]))
        assert (await anext(rows))["id"] == 0
        assert (await anext(rows))["id"] == 1
        serving.stopping.set()
        [last] = [row async for row in rows]
        assert (last["line"], last["error"]["code"]) == (3, "stopping")

    talk(models, say)


def test_client_that_leaves_takes_its_lines_with_it(models: ModelSet) -> None:
    async def say(one: Talk, _: Any) -> None:
        one.give(lines([{"text": "a"}]))
        one.coming.put_nowait({"type": "http.disconnect"})

    talk(models, say)
    assert models.slots[0].current is not None
    assert models.slots[0].current.batcher.n_waiting == 0


def test_client_that_sends_nothing_more_is_not_waited_for(models: ModelSet) -> None:
    async def say(one: Talk, _: Any) -> None:
        one.give(lines([{"id": 0, "text": "a"}]))
        found = [row async for row in one.rows()]
        assert [row.get("id") for row in found] == [0, None]
        assert found[1]["error"]["code"] == "too_slow"

    talk(models, say, requests=RequestLimits(idle_seconds=0.2))


def test_client_that_takes_nothing_is_given_up(models: ModelSet) -> None:
    """Lines that are on their way are bounded, and so is the wait for the client."""

    async def run() -> None:
        app = make_app(make_serving(models, requests=RequestLimits(idle_seconds=0.3)))
        one = Talk(app, takes=2)
        one.give(lines([{"text": "a"}] * 1000))
        async with asyncio.timeout(60):
            await one.task

    asyncio.run(run())
    assert models.slots[0].current is not None
    assert models.slots[0].current.batcher.n_waiting == 0


def test_stream_needs_no_content(models: ModelSet) -> None:
    with client(models) as made:
        assert rows(made.post(PATH, content=b"", headers=NDJSON)) == []
