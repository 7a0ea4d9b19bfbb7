"""The component in a pipeline: what it leaves on Docs, saving, errors, calibration."""

import math
import pickle
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import load_model_from_config
from thinc.api import Config

from spacy_ner_plus.pipeline.llm import DEFAULT_CONFIG, NerPlusLlm
from spacy_ner_plus.pipeline.llm_reading.encoder_similarity import load_similarity
from spacy_ner_plus.pipeline.llm_reading.llm_settings import LlmSettings
from tests.pipeline.llm_reading.fake_server import (
    Body,
    FakeServer,
    Reply,
    asked_text,
    finds,
    rows,
    says,
)

LEXICON = {"aspirin": "Chemical", "fever": "Disease", "rash": "Disease"}
LABELS = {"Chemical": "a substance", "Disease": {"description": "", "examples": ["flu"]}}
SECRET = "sk-very-secret-0123456789"
ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)


def llm_nlp(server: FakeServer | None, **settings: Any) -> tuple[Language, NerPlusLlm]:
    nlp = spacy.blank("en")
    url = server.url if server else "http://127.0.0.1:9/v1"
    own = {"model": "tiny", "base_url": url, "labels": LABELS, "max_attempts": 1, "schema": "never"}
    pipe: Any = nlp.add_pipe("ner_plus_llm", config=own | settings)
    return nlp, pipe


def found(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


def gold(nlp: Language, text: str) -> Doc:
    doc = nlp.make_doc(text)
    words = [token for token in doc if token.text in LEXICON]
    doc.ents = [Span(doc, one.i, one.i + 1, label=LEXICON[one.text]) for one in words]
    return doc


def test_building_asks_nobody() -> None:
    _, pipe = llm_nlp(None)
    assert pipe.labels == ("Chemical", "Disease")
    assert pipe.reader.client.spending.counts == {}


def test_defaults_are_those_of_the_settings() -> None:
    config = Config().from_str(DEFAULT_CONFIG)["ner_plus_llm"]
    ours = LlmSettings(config["model"], config["base_url"], config["labels"])
    assert {name: getattr(ours, name) for name in config if hasattr(ours, name)} == {
        name: value for name, value in config.items() if hasattr(ours, name)
    }
    assert {name for name in vars(ours) if name not in config} == {"may_nest"}


def test_docs_get_entities_and_a_report() -> None:
    with FakeServer(finds(LEXICON)) as server:
        nlp, pipe = llm_nlp(server, spans_key="llm")
        docs = list(nlp.pipe(["aspirin for fever", "", "a rash"]))
    assert [found(doc) for doc in docs] == [
        [("aspirin", "Chemical"), ("fever", "Disease")],
        [],
        [("rash", "Disease")],
    ]
    assert [span.text for span in docs[0].spans["llm"]] == ["aspirin", "fever"]
    assert docs[0].ents[0]._.probability is None
    assert docs[0]._.llm_report["groundings"][0] == [0, 7, "Chemical", "exact"]
    assert pipe.counts == {"exact": 3}
    assert Doc(nlp.vocab).from_bytes(docs[0].to_bytes())._.llm_report == docs[0]._.llm_report


def test_of_what_was_not_answered_nothing_is_known() -> None:
    with FakeServer(lambda _: says(rows(("fever", "Disease"), ("gout", "Disease"))[:-8])) as server:
        nlp, _ = llm_nlp(server)
        doc = nlp("a fever came")
    assert found(doc) == [("fever", "Disease")]
    assert [token.ent_iob_ for token in doc] == ["", "B", ""]
    assert doc._.llm_report["counts"]["cut"] == 1


def test_what_is_ambiguous_is_missing_and_reported() -> None:
    with FakeServer(lambda _: says(rows(("fever", "Disease")))) as server:
        nlp, _ = llm_nlp(server)
        doc = nlp("fever after fever")
    assert [token.ent_iob_ for token in doc] == ["", "O", ""]
    [lost] = doc._.llm_report["ungrounded"]
    assert lost["reason"] == "ambiguous"


def test_a_document_without_an_answer_goes_to_the_error_handler() -> None:
    def reply(body: Body) -> Reply:
        return Reply(b"oops", status=500) if "bad" in asked_text(body) else finds(LEXICON)(body)

    failed = []
    with FakeServer(reply) as server:
        nlp, pipe = llm_nlp(server)
        pipe.set_error_handler(lambda name, proc, docs, error: failed.append((docs[0].text, error)))
        docs = list(nlp.pipe(["a fever", "a bad fever", "a rash"]))
        with pytest.raises(ValueError, match=r"was not heard.*answers 500"):
            pipe.predict([nlp.make_doc("a bad fever")])
    assert [doc.text for doc in docs] == ["a fever", "a rash"]
    [(text, error)] = failed
    assert text == "a bad fever"
    assert "answers 500: oops" in str(error)
    assert len(server.requests) == 4  # none was asked twice


def test_existing_entities_are_kept_or_replaced() -> None:
    with FakeServer(finds(LEXICON)) as server:
        for choice, label in (("keep", "Old"), ("overwrite", "Disease")):
            nlp, pipe = llm_nlp(server, existing_ents=choice)
            doc = nlp.make_doc("a fever")
            doc.ents = [Span(doc, 1, 2, label="Old")]
            assert found(pipe(doc)) == [("fever", label)]


def test_training_data_are_examples_and_saved_with_the_pipeline(tmp_path: Path) -> None:
    with FakeServer(finds(LEXICON)) as server:
        nlp, pipe = llm_nlp(server, n_shots=1)
        docs = [gold(nlp, "aspirin helps"), gold(nlp, "the rash was red"), gold(nlp, "")]
        nlp.initialize(lambda: [Example(nlp.make_doc(doc.text), doc) for doc in docs])
        assert [one.text for one in pipe.examples] == ["aspirin helps", "the rash was red"]
        before = nlp("a red rash")
        nlp.to_disk(tmp_path / "model")
        for path in (tmp_path / "model").rglob("*"):
            assert path.is_dir() or SECRET.encode() not in path.read_bytes()
        loaded = spacy.load(tmp_path / "model")
        assert found(loaded("a red rash")) == found(before)
        copied = pickle.loads(pickle.dumps(loaded.get_pipe("ner_plus_llm")))
        assert copied.examples == pipe.examples
        assert found(copied(nlp.make_doc("a red rash"))) == found(before)
    for body in server.requests:
        assert "the rash was red" in body["messages"][1]["content"]
    assert loaded.get_pipe("ner_plus_llm").llm == pipe.llm  # type: ignore[attr-defined]


def test_sentences_are_examples_of_their_own() -> None:
    nlp, pipe = llm_nlp(None)
    nlp.add_pipe("sentencizer")
    doc = nlp.get_pipe("sentencizer")(gold(nlp, "A fever came. No aspirin ! It went on."))
    crossing = nlp.get_pipe("sentencizer")(nlp.make_doc("One. Two. Three."))
    crossing.ents = [Span(crossing, 0, 3, label="Disease")]
    unknown = nlp.make_doc("nothing is known")
    left_out = pipe.add_examples([doc, crossing, unknown])
    assert [one.text for one in pipe.examples] == [
        "A fever came.", "No aspirin !", "It went on.", "Three."
    ]  # fmt: skip
    assert left_out == {"cut_entity": 2, "not_annotated": 1}


@pytest.mark.parametrize(
    "content", [b"{}", b"[]", b'{"examples": [1]}', b'{"examples": [{"text": 1}]}']
)
def test_damaged_examples_are_refused(content: bytes) -> None:
    _, pipe = llm_nlp(None)
    with pytest.raises(ValueError, match=r"examples\.json"):
        pipe.read_files({"examples.json": content}, is_verified=True)


def test_shares_of_samples_can_be_calibrated() -> None:
    """Of those in half the samples none is right here, of those in all every one."""

    def reply(body: Body) -> Reply:
        words = asked_text(body).split()
        named = [("aspirin", "Chemical"), *[("fever", "Disease")] * (body["seed"] % 2)]
        return says(rows(*((word, label) for word, label in named if word in words)))

    with FakeServer(reply) as server:
        nlp, pipe = llm_nlp(server, samples=2, temperature=0.7, spans_key="llm")
        docs = [nlp.make_doc(f"aspirin {i} fever") for i in range(60)]
        references = []
        for doc in docs:
            reference = doc.copy()
            reference.ents = [Span(reference, 0, 1, label="Chemical")]
            references.append(reference)
        examples = [Example(*pair) for pair in zip(docs, references, strict=True)]
        n_before = len(server.requests)
        after = pipe.calibrate(examples)
        assert len(server.requests) - n_before == 120  # each document twice, whatever is fitted
        doc = nlp("aspirin 1 fever")
    assert after.ece < 0.05
    first, second = (ent._.probability for ent in doc.ents)
    assert first > 0.9
    assert second < 0.1


def test_without_samples_there_is_no_probability_to_calibrate() -> None:
    with FakeServer(lambda _: says(rows(("fever", "Disease"), ("a", "Disease")))) as server:
        nlp, pipe = llm_nlp(server)
        docs = [nlp.make_doc("a fever") for _ in range(60)]
        references = [gold(nlp, "a fever") for _ in docs]
        with pytest.raises(ValueError, match="have no probability"):
            pipe.calibrate([Example(*pair) for pair in zip(docs, references, strict=True)])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labels": []}, "must name the types"),
        ({"base_url": "localhost"}, "no address"),
        ({"shots_by": "chance"}, "shots_by"),
        ({"repeats": "some"}, "repeats"),
        ({"workers": 0}, "workers = 0"),
        ({"chunk_overlap": 400}, "less than chunk_tokens"),
        ({"fuzzy": 0.0}, "fuzzy = 0.0"),
        ({"timeout": 0.0}, "timeout"),
        ({"samples": 3}, "would all be the same"),
        ({"max_cost": 1.0}, "nothing costs"),
        ({"existing_ents": "constrain"}, "existing_ents"),
    ],
)
def test_wrong_settings_are_refused_at_once(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        llm_nlp(None, **settings)


def test_an_encoder_says_how_alike_texts_are(tiny_encoder_dir: Path) -> None:
    nlp = spacy.blank("en")
    texts = ["the rash", "a fever came", ""]
    similarity = load_similarity(str(tiny_encoder_dir), nlp, texts)
    own = [similarity.similarities(text) for text in texts]
    assert own[0][0] == pytest.approx(1, abs=1e-5)
    assert own[0][1] == pytest.approx(own[1][0], abs=1e-5)
    assert math.isclose(own[2][0], 0)
    with pytest.raises(ValueError, match="must be a folder"):
        load_similarity(str(tiny_encoder_dir / "none"), nlp, texts)


@pytest.mark.parametrize("name", ["llm_zero_shot", "llm_few_shot"])
def test_shipped_configs_make_pipelines(name: str) -> None:
    config = Config().from_disk(ROOT / "configs" / f"{name}.cfg")
    url = config["components"]["ner_plus_llm"]["base_url"]
    with FakeServer(finds(LEXICON)) as server:
        config["components"]["ner_plus_llm"]["base_url"] = server.url
        nlp = load_model_from_config(config, auto_fill=True)
        doc = nlp("Some aspirin. No fever.")
    assert url == "http://127.0.0.1:8000/v1"
    assert found(doc) == [("aspirin", "Chemical"), ("fever", "Disease")]
    assert {ent._.probability for ent in doc.ents} == {1.0 if name == "llm_few_shot" else None}
