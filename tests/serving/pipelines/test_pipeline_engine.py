"""A pipeline behind a batcher, and its exchange for another."""

import asyncio
import gc
import shutil
import weakref
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_ner_plus.annotation.doc_records import span_records
from spacy_ner_plus.pipeline.processor_share import limit_buckets
from spacy_ner_plus.records import SpanRecord, TextRecord
from spacy_ner_plus.serving.batching.admission import BatchLimits
from spacy_ner_plus.serving.pipelines.asked_text import (
    AskedText,
    FoundEntities,
    RecordFaultError,
)
from spacy_ner_plus.serving.pipelines.loaded_model import LoadedModel, LoadSettings
from spacy_ner_plus.serving.pipelines.model_set import ModelSet, ModelSlot
from spacy_ner_plus.serving.pipelines.model_spec import ModelSpec
from spacy_ner_plus.serving.pipelines.pipeline_engine import PipelineEngine
from spacy_ner_plus.serving.pipelines.reloading import Reloader
from tests.pipeline import nested_toy
from tests.pipeline.samples import TEXTS
from tests.serving.apps import WAIT, load, spec_of


def ask(text: str, **known: Any) -> AskedText:
    return AskedText.of(TextRecord(text, **{"spans": None} | known))


def test_engine_finds_what_the_pipeline_finds(nlp: Language) -> None:
    engine = PipelineEngine(nlp, None, None)
    found = engine.run([ask(text) for text in TEXTS])
    for text, one in zip(TEXTS, found, strict=True):
        assert isinstance(one, FoundEntities)
        expected = span_records(nlp(text))
        assert [s.to_json() | {"probability": 0} for s in one.spans] == [
            s.to_json() | {"probability": 0} for s in expected
        ]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_others_are_read_at_the_pauses_of_a_long_text(model: Path, precision: str) -> None:
    """Neither text is changed by it, in what is found or how probable it is."""
    config = {"components.ner_plus.model.precision": precision}
    nlp = spacy.load(model, config=config)
    limit_buckets(nlp, 128)
    engine = PipelineEngine(nlp, None, None)
    asks = [ask(text) for text in TEXTS]
    long = ask(" ".join(f"{text} {i}" for i in range(15) for text in TEXTS))
    expected, [alone] = engine.run(asks), engine.run([long])
    n_strings, at_pauses = len(nlp.vocab.strings), []
    [found] = engine.run([long], lambda: at_pauses.append(engine.run(asks)))
    assert len(at_pauses) > 5
    assert isinstance(found, FoundEntities) and len(found.spans) > 20
    assert found == alone
    assert all(one == expected for one in at_pauses)
    assert len(nlp.vocab.strings) == n_strings
    assert engine.run(asks) == expected


def test_samples_are_run_and_are_of_some_size(nlp: Language) -> None:
    engine = PipelineEngine(nlp, None, None)
    samples = engine.samples()
    assert sum(one.units for one in samples[-1]) > 1000
    assert not any(isinstance(one, Exception) for asks in samples for one in engine.run(asks))
    assert PipelineEngine(nlp, None, None, warms_up=False).samples() == []


def test_asked_texts_are_equal_if_their_answers_are() -> None:
    span = SpanRecord(0, 1, "A")
    assert ask("a", id=1, meta={"x": 1}) == ask("a", id=2) == ask("a", spans=())
    assert ask("a") != ask("b")
    assert ask("a") != ask("a", spans=(span,)) != ask("a", blocked=((0, 1),))
    assert ask("a", spans=(span,)) == ask("a", spans=(SpanRecord(0, 1, "A"),))
    assert hash(ask("a", id=1)) == hash(ask("a", id=2))
    assert AskedText.of(TextRecord("a"), 2) != ask("a")
    assert AskedText.of(TextRecord("a"), 2).units == 2 * ask("a").units


def test_record_that_does_not_fit_fails_alone(nlp: Language) -> None:
    engine = PipelineEngine(nlp, None, None)
    spans = (SpanRecord(0, 3, "A", status="rejected"), SpanRecord(1, 3, "A"))
    good, bad = engine.run([ask(TEXTS[0]), ask("abc def", spans=spans)])
    assert isinstance(good, FoundEntities)
    assert isinstance(bad, RecordFaultError)
    assert bad.where == "spans[1]"
    assert "token boundaries" in str(bad)


def test_text_that_a_component_fails_on_fails_alone(model: Path) -> None:
    nlp = spacy.load(model)

    @Language.component("fails_on_selegiline")
    def fails(doc: Doc) -> Doc:
        if "selegiline" in doc.text:
            raise RuntimeError("no")
        return doc

    nlp.add_pipe("fails_on_selegiline")
    engine = PipelineEngine(nlp, None, None)
    found = engine.run([ask(text) for text in TEXTS])
    assert [isinstance(one, RuntimeError) for one in found] == ["selegiline" in t for t in TEXTS]


def test_names_are_of_the_meta_or_as_given(nlp: Language) -> None:
    info = PipelineEngine(nlp, None, None).info
    assert (info.name, info.version, info.labels) == ("en_tiny", "1.0.0", ("Chemical", "Disease"))
    assert PipelineEngine(nlp, "mine", "7").info.name == "mine"
    with pytest.raises(ValueError, match="has no components"):
        PipelineEngine(spacy.blank("en"), None, None)


def test_rules_and_spacys_own_components_are_served_too() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "CITY", "pattern": "Paris"}])
    engine = PipelineEngine(nlp, "rules", "1")
    [found] = engine.run([ask("In Paris.")])
    assert isinstance(found, FoundEntities)
    assert [(s.start, s.end, s.label, s.probability) for s in found.spans] == [(3, 8, "CITY", None)]
    assert engine.info.labels == ("CITY",)


def test_entities_may_nest() -> None:
    nlp = spacy.blank("en")
    nested_toy.add_nested(nlp)
    engine = PipelineEngine(nlp, "nested", "1")
    [found] = engine.run([ask(nested_toy.TEXT)])
    assert isinstance(found, FoundEntities)
    assert engine.info.source.spans_key == nested_toy.KEY
    assert engine.info.labels == ("LOC", "ORG", "PER")
    places = [(s.start, s.end, s.label, s.probability) for s in found.spans]
    assert (0, 36, "ORG", 0.9) in places and (14, 24, "LOC", 0.8) in places


def test_component_that_does_not_say_what_it_finds_is_served() -> None:
    @Language.component("finds_the_first_word")
    def finds(doc: Doc) -> Doc:
        doc.ents = [Span(doc, 0, 1, "FIRST")]
        return doc

    nlp = spacy.blank("en")
    nlp.add_pipe("finds_the_first_word")
    engine = PipelineEngine(nlp, "first", "1")
    [found] = engine.run([ask("One two")])
    assert isinstance(found, FoundEntities)
    assert [span.label for span in found.spans] == ["FIRST"]
    assert engine.info.labels == ()


def test_words_of_texts_are_not_kept(nlp: Language) -> None:
    engine = PipelineEngine(nlp, None, None)
    engine.run([ask("zyxwvut abcdefg")])
    n = len(nlp.vocab.strings)
    engine.run([ask(" ".join(f"word{i}xyz" for i in range(200)))])
    assert len(nlp.vocab.strings) == n


def test_model_is_loaded_warmed_and_measured_by_its_own_thread(model: Path) -> None:
    reports: list[Any] = []
    loaded = LoadedModel(
        spec_of(model), LoadSettings(), lambda info, report: reports.append((info, report))
    )
    loaded.batcher.ready.result(WAIT)
    assert loaded.batcher.rate.units_per_second not in (0, 2000.0)
    [found] = loaded.batcher.submit([ask(TEXTS[0])]).future.result(WAIT)
    assert isinstance(found, FoundEntities)
    loaded.batcher.close()
    assert loaded.batcher.join(WAIT)
    assert reports[0][0].name == "en_tiny"


def test_reload_loses_nothing_and_lets_the_former_model_go(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    models = ModelSet([ModelSlot(ModelSpec(str(folder)))])
    results: list[bool] = []
    settings = LoadSettings(BatchLimits(batch_texts=2), warms_up=False)
    reloader = Reloader(models, lambda spec: LoadedModel(spec, settings), results.append)

    async def run() -> None:
        await reloader.load_all()
        slot = models.slots[0]
        assert slot.current is not None
        former = weakref.ref(slot.current)
        tickets = [slot.current.batcher.submit([ask(f"{i} text")]) for i in range(20)]
        await reloader.reload()
        assert all(isinstance(ticket.future.result(0)[0], FoundEntities) for ticket in tickets)
        gc.unfreeze()
        gc.collect()
        assert former() is None
        now = slot.current
        (folder / "ner_plus" / "cfg").write_text("broken", encoding="utf8")
        await reloader.reload()
        assert slot.current is now and slot.failure is not None and slot.is_ready
        now.batcher.close()

    asyncio.run(run())
    assert results == [True, False]


def test_first_load_that_fails_names_the_model(tmp_path: Path) -> None:
    models = ModelSet([ModelSlot(ModelSpec(str(tmp_path)))])
    reloader = Reloader(models, lambda spec: LoadedModel(spec, LoadSettings()))
    with pytest.raises(ValueError, match="holds no pipeline"):
        asyncio.run(reloader.load_all())


def test_load_gives_up_its_thread(model: Path) -> None:
    loaded = load(spec_of(model))
    loaded.batcher.close()
    assert loaded.batcher.join(WAIT)
