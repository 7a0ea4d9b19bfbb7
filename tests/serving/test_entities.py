"""POST /v1/entities: what comes back, and what is wrong with requests."""

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.language import Language
from starlette.testclient import TestClient

from spacy_ner_plus.annotation.doc_records import span_records
from spacy_ner_plus.records import TextRecord
from spacy_ner_plus.serving.pipelines.model_set import ModelSet
from spacy_ner_plus.serving.serve_settings import RequestLimits
from tests.pipeline.samples import TEXTS
from tests.serving.apps import client

PATH = "/v1/entities"
TEXT = TEXTS[0]


@pytest.fixture(scope="module")
def ask(models: ModelSet) -> Iterator[TestClient]:
    limits = RequestLimits(max_body=50_000, max_text=2_000, max_records=40)
    with client(models, requests=limits) as made:
        yield made


def spans(nlp: Language, text: str) -> list[dict[str, Any]]:
    return [span.to_json() for span in span_records(nlp(text))]


def without_probability(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in span.items() if k != "probability"} for span in found]


def error_of(response: Any) -> dict[str, Any]:
    error: dict[str, Any] = response.json()["error"]
    return error


def test_text_has_the_entities_that_the_pipeline_finds(ask: TestClient, nlp: Language) -> None:
    response = ask.post(PATH, json={"text": TEXT})
    assert response.status_code == 200, response.text
    found = response.json()
    assert found["model"] == {"name": "en_tiny", "version": "1.0.0"}
    [record] = found["records"]
    assert record["text"] == TEXT
    assert without_probability(record["spans"]) == without_probability(spans(nlp, TEXT))
    for span, expected in zip(record["spans"], spans(nlp, TEXT), strict=True):
        assert span["probability"] == pytest.approx(expected["probability"], abs=1e-4)
    assert record["spans"]


def test_records_come_back_in_order_with_all_that_they_say(ask: TestClient, nlp: Language) -> None:
    records = [
        {"id": i, "text": text, "meta": {"from": "test"}, "mine": [i]}
        for i, text in enumerate(TEXTS)
    ]
    found = ask.post(PATH, json={"records": records}).json()["records"]
    for record, asked, text in zip(found, records, TEXTS, strict=True):
        assert {k: record[k] for k in asked} == asked
        assert without_probability(record["spans"]) == without_probability(spans(nlp, text))
        TextRecord.from_json(record)


def test_no_records_have_an_empty_answer(ask: TestClient) -> None:
    assert ask.post(PATH, json={"records": []}).json()["records"] == []


def test_thresholds_and_labels_choose(ask: TestClient) -> None:
    everything = ask.post(PATH, json={"text": TEXT}).json()["records"][0]["spans"]
    cut = sorted(span["probability"] for span in everything)[len(everything) // 2]
    few = ask.post(PATH, json={"text": TEXT, "threshold": cut}).json()["records"][0]["spans"]
    assert few == [span for span in everything if span["probability"] >= cut]
    by_label = {"text": TEXT, "threshold": {"Disease": 1.0}, "labels": ["Disease"]}
    one = ask.post(PATH, json=by_label).json()["records"][0]["spans"]
    assert one == [s for s in everything if s["label"] == "Disease" and s["probability"] >= 1.0]


def test_entities_that_are_given_stay(ask: TestClient) -> None:
    known = {"start": 11, "end": 22, "label": "Mine", "id": "x", "kb_id": "K1"}
    asked = {"records": [{"text": TEXT, "spans": [known]}]}
    [record] = ask.post(PATH, json=asked).json()["records"]
    [mine] = [span for span in record["spans"] if span["label"] == "Mine"]
    assert {k: mine[k] for k in known} == known
    assert not [s for s in record["spans"] if s is not mine and s["start"] < 22 and s["end"] > 11]


def test_nothing_is_found_on_blocked_stretches(ask: TestClient) -> None:
    asked = {"records": [{"text": TEXT, "blocked": [[0, len(TEXT)]]}]}
    assert ask.post(PATH, json=asked).json()["records"][0]["spans"] == []


def test_alternatives_are_readings_of_sentences(ask: TestClient) -> None:
    [record] = ask.post(PATH, json={"text": TEXT, "alternatives": 3}).json()["records"]
    [sentence] = record["sentences"]
    probabilities = [reading["probability"] for reading in sentence["readings"]]
    assert len(probabilities) == 3
    assert probabilities == sorted(probabilities, reverse=True)


def test_packed_body_is_unpacked(ask: TestClient) -> None:
    body = gzip.compress(json.dumps({"text": TEXT}).encode())
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    assert ask.post(PATH, content=body, headers=headers).status_code == 200


BAD: dict[str, tuple[Any, int, str, str | None]] = {
    "no JSON": (b"{", 422, "invalid", None),
    "no object": (b"[]", 422, "invalid", None),
    "nothing": ({}, 422, "invalid", None),
    "both": ({"text": "a", "records": []}, 422, "invalid", None),
    "unknown key": ({"text": "a", "treshold": 1}, 422, "invalid", "treshold"),
    "text is a number": ({"text": 3}, 422, "invalid", "text"),
    "half a character": (b'{"text": "\\ud800"}', 422, "invalid", None),
    "no UTF-8": (b'{"text": "\xff"}', 422, "invalid", None),
    "nested": (b"[" * 40_000, 422, "invalid", None),
    "nested meta": (
        b'{"records": [{"text": "a", "meta": {"a": ' + b"[" * 150 + b"]" * 150 + b"}}]}",
        422,
        "invalid",
        "records[0]",
    ),
    "threshold as text": ({"text": "a", "threshold": "0.5"}, 422, "invalid", None),
    "threshold too high": ({"text": "a", "threshold": 1.5}, 422, "invalid", None),
    "threshold is NaN": (b'{"text": "a", "threshold": NaN}', 422, "invalid", None),
    "too many alternatives": ({"text": "a", "alternatives": 11}, 422, "invalid", "alternatives"),
    "priority": ({"text": "a", "priority": "now"}, 422, "invalid", "priority"),
    "timeout": ({"text": "a", "timeout": 0}, 422, "invalid", "timeout"),
    "no text": ({"records": [{"text": "a"}, {"id": 1}]}, 422, "invalid", "records[1]"),
    "span ends late": (
        {"records": [{"text": "ab", "spans": [{"start": 0, "end": 3, "label": "A"}]}]},
        422,
        "invalid",
        "records[0]",
    ),
    "span off tokens": (
        {"records": [{"text": "abc", "spans": [{"start": 0, "end": 2, "label": "A"}]}]},
        422,
        "record_does_not_fit",
        "records[0].spans[0]",
    ),
    "spans overlap": (
        {"records": [{"text": "a b", "spans": [{"start": 0, "end": 3, "label": "A"}] * 2}]},
        422,
        "record_does_not_fit",
        "records[0].spans",
    ),
    "unknown label": ({"text": "a", "labels": ["PER"]}, 422, "unknown_label", "labels"),
    "label of threshold": (
        {"text": "a", "threshold": {"PER": 0.5}},
        422,
        "unknown_label",
        "threshold",
    ),
    "unknown model": ({"text": "a", "model": "x"}, 404, "unknown_model", "model"),
    "unknown version": ({"text": "a", "version": "9"}, 404, "unknown_model", "model"),
    "text too long": (
        {"records": [{"text": "a " * 1001}]},
        413,
        "text_too_long",
        "records[0].text",
    ),
    "too many": ({"records": [{"text": "a"}] * 41}, 413, "too_many_records", "records"),
    "too large": ({"text": "a" * 50_001}, 413, "too_large", None),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_said_with_its_place(case: str, ask: TestClient) -> None:
    body, status, code, where = BAD[case]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = ask.post(PATH, content=content, headers={"content-type": "application/json"})
    assert response.status_code == status, response.text
    error = error_of(response)
    assert error["code"] == code
    assert error["message"]
    if where is not None:
        assert error["where"] == where


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"content-type": "text/plain"}, b'{"text": "a"}', 415),
        ({}, b'{"text": "a"}', 415),
        ({"content-encoding": "br"}, b"x", 415),
        ({"content-encoding": "gzip"}, b"no gzip", 400),
        ({"content-encoding": "gzip"}, gzip.compress(b'{"text": "a"}')[:-4], 400),
        ({"content-encoding": "gzip"}, gzip.compress(b'{"text": "a"}') + b"x", 400),
        ({"content-encoding": "gzip"}, gzip.compress(b" " * 10_000_000), 413),
        ({"content-length": "99999999999999999999999"}, b"x", 413),
    ],
)
def test_bodies_of_another_kind_are_refused(
    headers: dict[str, str], content: bytes, status: int, ask: TestClient
) -> None:
    usual = {"content-type": "application/json"} if headers else {}
    response = ask.post(PATH, content=content, headers=usual | headers)
    assert response.status_code == status
    assert error_of(response)["code"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", PATH, 405),
        ("POST", "/livez", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/v1/models/", 404),
    ],
)
def test_other_addresses_and_methods_are_refused(
    method: str, path: str, status: int, ask: TestClient
) -> None:
    response = ask.request(method, path)
    assert response.status_code == status
    assert error_of(response)["code"] in ("not_found", "wrong_method")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = ["text", "records", "threshold", "labels", "alternatives", "model", "priority", "timeout"]
RECORDS = st.lists(
    st.fixed_dictionaries(
        {"text": st.text(max_size=40)},
        optional=dict.fromkeys(
            ("id", "meta", "spans", "tokens", "blocked", "unknown"), JSON_VALUES
        ),
    ),
    max_size=3,
)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    request=st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, JSON_VALUES))
    | st.fixed_dictionaries({"records": RECORDS}),
)
def test_no_request_makes_the_server_fail(request: dict[str, Any], ask: TestClient) -> None:
    response = ask.post(PATH, json=request)
    assert response.status_code in (200, 404, 413, 422), response.text
    if response.status_code != 200:
        assert error_of(response)["message"]


def test_description_and_page_are_complete_and_load_nothing(ask: TestClient) -> None:
    said = ask.get("/openapi.json").json()
    assert set(said["paths"]) == {
        "/v1/entities",
        "/v1/entities/stream",
        "/v1/models",
        "/v1/reload",
        "/livez",
        "/readyz",
        "/metrics",
    }
    content = said["paths"][PATH]["post"]["requestBody"]["content"]["application/json"]
    for example in content["examples"].values():
        answered = ask.post(PATH, json=example["value"])
        assert answered.status_code == 200, answered.text
    page = ask.get("/docs")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not re.search("<script|src=|@import|url\\(|href=[\"'](?!/openapi.json)", page.text)
    for path in said["paths"]:
        assert path in page.text


def test_models_are_described(ask: TestClient) -> None:
    [described] = ask.get("/v1/models").json()["models"]
    assert described["name"] == "en_tiny"
    assert described["labels"] == ["Chemical", "Disease"]
    assert described["scores"] == {"ents_f": 0.5}
    assert len(described["sha256"]) == 64
    assert described["is_ready"] and described["alternatives"]
    assert not described["nested"] and not described["reload_failed"]


def test_probes_and_metrics(ask: TestClient) -> None:
    assert ask.get("/livez").json() == {"status": "alive"}
    assert ask.get("/readyz").json() == {"status": "ready"}
    ask.post(
        PATH, json={"records": [{"text": TEXT, "spans": [{"start": 0, "end": 7, "label": "EVIL"}]}]}
    )
    ask.get("/evil-path")
    said = ask.get("/metrics").text
    assert 'ner_plus_requests_total{route="/v1/entities",status="200"}' in said
    assert 'route="other",status="404"' in said
    assert 'label="other"' in said
    assert "evil" not in said.lower()
