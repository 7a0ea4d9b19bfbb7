"""Requests that wait: full queues, expired and disconnected ones, models that fail or are gone."""

import asyncio
import json
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from spacy_ner_plus.annotation.entity_source import DOC_ENTS
from spacy_ner_plus.records import SpanRecord
from spacy_ner_plus.serving.pipelines.asked_text import AskedText, FoundEntities
from spacy_ner_plus.serving.pipelines.model_info import ModelInfo
from spacy_ner_plus.serving.pipelines.model_set import ModelSet, ModelSlot
from spacy_ner_plus.serving.pipelines.model_spec import ModelSpec, TrafficKind, TrafficRule
from spacy_ner_plus.serving.routes.app import make_app
from spacy_ner_plus.serving.serve_settings import RequestLimits
from spacy_ner_plus.serving.serving_log import NAME
from tests.serving.apps import StandIn, client, make_serving

PATH = "/v1/entities"


class Engine:
    """Finds the whole text; is held until `go`, and fails on "bad"."""

    def __init__(self, label: str = "A", *, is_held: bool = False) -> None:
        self.label = label
        self.begun, self.go = threading.Event(), threading.Event()
        self.texts: list[str] = []
        if not is_held:
            self.go.set()

    def samples(self) -> list[list[AskedText]]:
        return []

    def run(
        self, asks: Sequence[AskedText], between: Any = None
    ) -> list[FoundEntities | Exception]:
        self.begun.set()
        assert self.go.wait(30)
        self.texts += [ask.text for ask in asks]
        return [
            KeyError("secret words")
            if ask.text == "bad"
            else FoundEntities((SpanRecord(0, len(ask.text), self.label, probability=0.5),))
            for ask in asks
        ]


def info(version: str = "1", **changes: Any) -> ModelInfo:
    values: dict[str, Any] = {
        "name": "m",
        "version": version,
        "lang": "en",
        "labels": ("A", "B"),
        "scores": {},
        "data_version": None,
        "sha256": None,
        "source": DOC_ENTS,
        "max_characters": 1000,
        "has_alternatives": False,
        "keeps_entities": True,
    }
    return ModelInfo(**{**values, **changes})


@contextmanager
def model_set(
    *engines: Engine, rules: Sequence[TrafficRule] = (), **changes: Any
) -> Iterator[ModelSet]:
    slots = [
        ModelSlot(ModelSpec(f"m{i}"), StandIn(engine, info(str(i), **changes)))  # type: ignore[arg-type]
        for i, engine in enumerate(engines, 1)
    ]
    models = ModelSet(slots, rules)
    models.bind()
    yield models
    for slot, engine in zip(slots, engines, strict=True):
        engine.go.set()
        assert slot.current is not None
        slot.current.batcher.close()
        assert slot.current.batcher.join(30)


async def post(app: Any, body: Any, *, leaves: asyncio.Event | None = None) -> tuple[int, Any]:
    """A request; who `leaves` disconnects then. RETURNS: Status and answer."""
    messages = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await (leaves or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": PATH, "raw_path": PATH.encode()}
    scope |= {"query_string": b"", "headers": headers, "http_version": "1.1", "scheme": "http"}
    scope |= {"root_path": "", "server": ("127.0.0.1", 80), "client": None}
    await app(scope, receive, send)
    answer = b"".join(message.get("body", b"") for message in sent[1:])
    found = dict(sent[0]["headers"]).get(b"retry-after")
    status: int = sent[0]["status"]
    return status, {**json.loads(answer or b"{}"), "retry": found}


async def until(is_so: Any) -> None:
    async with asyncio.timeout(30):
        while not is_so():
            await asyncio.sleep(0.005)


def test_full_queue_is_429_and_probes_do_not_mind() -> None:
    engine = Engine(is_held=True)

    async def run(models: ModelSet) -> None:
        app = make_app(make_serving(models))
        assert models.slots[0].current is not None
        batcher = models.slots[0].current.batcher
        batcher.rate.units_per_second = 10.0
        running = asyncio.ensure_future(post(app, {"text": "a"}))
        await until(engine.begun.is_set)
        waiting = asyncio.ensure_future(post(app, {"text": "b", "priority": "interactive"}))
        await until(lambda: batcher.n_waiting == 1)
        status, said = await post(app, {"text": "c" * 40, "priority": "interactive"})
        assert (status, said["error"]["code"]) == (429, "queue_full")
        assert int(said["retry"]) >= 1
        status, said = await post(app, {"text": "d" * 200, "priority": "interactive"})
        assert (status, said["error"]["code"]) == (413, "too_much_for_interactive")
        with client(models) as made:
            assert made.get("/livez").status_code == made.get("/readyz").status_code == 200
        engine.go.set()
        assert [(await one)[0] for one in (running, waiting)] == [200, 200]

    with model_set(engine) as models:
        asyncio.run(run(models))


def test_request_whose_time_is_up_is_503_and_not_computed() -> None:
    engine = Engine(is_held=True)

    async def run(models: ModelSet) -> None:
        app = make_app(make_serving(models, requests=RequestLimits(request_seconds=60)))
        assert models.slots[0].current is not None
        batcher = models.slots[0].current.batcher
        running = asyncio.ensure_future(post(app, {"text": "a"}))
        await until(engine.begun.is_set)
        status, said = await post(app, {"text": "late", "timeout": 0.05})
        assert (status, said["error"]["code"]) == (503, "expired")
        assert batcher.n_waiting == 0
        engine.go.set()
        assert (await running)[0] == 200

    with model_set(engine) as models:
        asyncio.run(run(models))
    assert engine.texts == ["a"]


def test_client_that_leaves_takes_its_request_out_of_the_queue() -> None:
    engine = Engine(is_held=True)

    async def run(models: ModelSet) -> None:
        app = make_app(make_serving(models))
        assert models.slots[0].current is not None
        batcher = models.slots[0].current.batcher
        leaves = asyncio.Event()
        running = asyncio.ensure_future(post(app, {"text": "a"}))
        await until(engine.begun.is_set)
        gone = asyncio.ensure_future(post(app, {"text": "gone"}, leaves=leaves))
        stays = asyncio.ensure_future(post(app, {"text": "stays"}))
        await until(lambda: batcher.n_waiting == 2)
        leaves.set()
        assert (await gone)[0] == 499
        assert batcher.n_waiting == 1
        engine.go.set()
        assert (await running)[0] == (await stays)[0] == 200

    with model_set(engine) as models:
        asyncio.run(run(models))
    assert engine.texts == ["a", "stays"]


def test_bodies_that_are_held_have_a_bound() -> None:
    engine = Engine(is_held=True)

    async def run(models: ModelSet) -> None:
        app = make_app(make_serving(models, requests=RequestLimits(max_held=150)))
        running = asyncio.ensure_future(post(app, {"text": "a" * 90}))
        await until(engine.begun.is_set)
        status, said = await post(app, {"text": "b" * 90})
        assert (status, said["error"]["code"]) == (429, "too_many_requests")
        engine.go.set()
        assert (await running)[0] == 200
        assert (await post(app, {"text": "b" * 500}))[0] == 200  # alone, of any size

    with model_set(engine) as models:
        asyncio.run(run(models))


def test_failure_of_a_component_is_500_and_its_words_are_nowhere(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logger = logging.getLogger(NAME)
    logger.addHandler(caplog.handler)
    logger.setLevel(logging.INFO)
    with model_set(Engine()) as models, client(models) as made:
        response = made.post(PATH, json={"records": [{"text": "good"}, {"text": "bad"}]})
        assert response.status_code == 500
        assert response.json()["error"]["where"] == "records[1]"
        assert made.post(PATH, json={"text": "good"}).status_code == 200
    logger.removeHandler(caplog.handler)
    said = response.text + "".join(str(vars(record)) for record in caplog.records)
    assert "KeyError" in said
    assert "secret words" not in said


@pytest.mark.parametrize("log_texts", [False, True])
def test_texts_are_in_the_log_only_if_that_is_wanted(
    log_texts: bool, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger(NAME)
    logger.addHandler(caplog.handler)
    logger.setLevel(logging.INFO)
    with model_set(Engine()) as models, client(models, log_texts=log_texts) as made:
        made.post(PATH, json={"text": "private words"})
    logger.removeHandler(caplog.handler)
    said = "".join(str(vars(record)) for record in caplog.records)
    assert ("private words" in said) is log_texts


def test_model_that_replaces_entities_takes_none() -> None:
    record = {"text": "ab", "spans": [{"start": 0, "end": 2, "label": "A"}]}
    with model_set(Engine(), keeps_entities=False) as models, client(models) as made:
        response = made.post(PATH, json={"records": [{"text": "ab"}, record]})
        assert response.status_code == 422
        assert response.json()["error"]["where"] == "records[1].spans"
        response = made.post(PATH, json={"text": "ab", "alternatives": 1})
        assert response.json()["error"]["code"] == "no_alternatives"


def test_model_whose_thread_is_gone_is_neither_ready_nor_alive() -> None:
    with model_set(Engine()) as models, client(models) as made:
        assert models.slots[0].current is not None
        models.slots[0].current.batcher.close()
        assert models.slots[0].current.batcher.join(30)
        assert made.get("/readyz").status_code == made.get("/livez").status_code == 503
        response = made.post(PATH, json={"text": "a"})
        assert (response.status_code, response.json()["error"]["code"]) == (503, "stopping")


def test_nothing_loaded_yet_is_503_and_alive() -> None:
    with client(ModelSet([ModelSlot(ModelSpec("m"))])) as made:
        response = made.post(PATH, json={"text": "a"})
        assert (response.status_code, response.json()["error"]["code"]) == (503, "not_ready")
        assert made.get("/readyz").status_code == 503
        assert made.get("/livez").status_code == 200
        assert made.get("/v1/models").json() == {"models": []}


def test_canary_answers_its_share_and_is_compared_with_the_first() -> None:
    rule = TrafficRule(TrafficKind.CANARY, "m", "2", 0.3)
    with model_set(Engine("A"), Engine("B"), rules=[rule]) as models, client(models) as made:
        answers = [made.post(PATH, json={"text": f"text {i}"}).json() for i in range(200)]
        versions = [answer["model"]["version"] for answer in answers]
        assert 30 <= versions.count("2") <= 90
        labels = {a["model"]["version"]: a["records"][0]["spans"][0]["label"] for a in answers}
        assert labels == {"1": "A", "2": "B"}
        again = [made.post(PATH, json={"text": f"text {i}"}).json() for i in range(20)]
        assert [answer["model"]["version"] for answer in again] == versions[:20]
        named = made.post(PATH, json={"text": "text 1", "version": "1", "model": "m"}).json()
        assert named["model"]["version"] == "1"
        said = made.get("/metrics").text
        assert 'answered="2",compared="1",kind="label",model="m"' in said


def test_shadow_is_compared_and_never_answers() -> None:
    rule = TrafficRule(TrafficKind.SHADOW, "m", "2", 1.0)
    with model_set(Engine("A"), Engine("A"), rules=[rule]) as models, client(models) as made:
        for i in range(5):
            answer = made.post(PATH, json={"text": f"text {i}"}).json()
            assert answer["model"]["version"] == "1"
        assert models.slots[1].current is not None
        models.slots[1].current.batcher.close()
        made.post(PATH, json={"text": "left out"})
        said = made.get("/metrics").text
        assert 'compared_entities_total{answered="1",compared="2",kind="same",model="m"}' in said


def test_log_lines_are_one_line_each_whatever_is_in_them() -> None:
    from spacy_ner_plus.serving.serving_log import LogLines

    record = logging.LogRecord("a", logging.INFO, "p", 1, 'x"\n\x1b[31mfake', None, None)
    record.fields = {"key": "a\r\nb\u2028"}
    line = LogLines().format(record)
    assert line.isascii() and line.isprintable()
    assert json.loads(line)["key"] == "a\r\nb\u2028"
