"""Names, versions, shares of traffic, and differences of two models."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.records import SpanRecord, TextRecord
from spacy_ner_plus.serving.pipelines.asked_text import AskedText
from spacy_ner_plus.serving.pipelines.folder_watch import FolderWatch
from spacy_ner_plus.serving.pipelines.model_set import UnknownModelError, draw
from spacy_ner_plus.serving.pipelines.model_spec import ModelSpec, TrafficKind, TrafficRule
from spacy_ner_plus.serving.pipelines.span_differences import count_differences
from tests.serving.test_in_flight import Engine, model_set

CANARY, SHADOW = TrafficKind.CANARY, TrafficKind.SHADOW


@pytest.mark.parametrize(
    ("argument", "spec"),
    [
        ("en_model", ModelSpec("en_model")),
        ("a/b", ModelSpec("a/b")),
        ("ner=a/b", ModelSpec("a/b", "ner")),
        ("ner@2.0=a/b", ModelSpec("a/b", "ner", "2.0")),
    ],
)
def test_arguments_name_models(argument: str, spec: ModelSpec) -> None:
    assert ModelSpec.parse(argument) == spec


@pytest.mark.parametrize("argument", ["", "=a", "ner=", "a b=c", "@1=c", "a@=c", 'a"=b'])
def test_arguments_that_name_none_are_refused(argument: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        ModelSpec.parse(argument)


def test_rules_of_traffic_are_read() -> None:
    assert TrafficRule.parse(CANARY, "ner@2=0.1") == TrafficRule(CANARY, "ner", "2", 0.1)
    for wrong in ("ner=0.1", "ner@2", "ner@2=1.5", "ner@2=x", "ner@2=nan"):
        with pytest.raises(ValueError, match="must be"):
            TrafficRule.parse(SHADOW, wrong)


def test_models_are_found_by_name_and_version() -> None:
    with model_set(Engine(), Engine()) as models:
        one, two = models.slots
        assert models.find(None, None) is models.find("m", None) is models.find(None, "1") is one
        assert models.find("m", "2") is two
        for name, version in [("x", None), ("m", "3"), (None, "9")]:
            with pytest.raises(UnknownModelError, match="There are: m 1, m 2"):
                models.find(name, version)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([TrafficRule(CANARY, "m", "3", 0.1)], "There is no model"),
        ([TrafficRule(SHADOW, "m", "1", 0.1)], "it is the first of this name"),
        ([TrafficRule(CANARY, "m", "2", 0.6)] * 2, "get 1.2 of its requests"),
    ],
)
def test_rules_that_make_no_sense_are_refused(rules: list[TrafficRule], message: str) -> None:
    with pytest.raises(ValueError, match=message), model_set(Engine(), Engine(), rules=rules):
        pass


def test_models_of_one_name_and_version_are_refused() -> None:
    with (
        pytest.raises(ValueError, match="are both m 1: give one of them another name"),
        model_set(Engine(), Engine()) as models,
    ):
        models.slots[1].current = models.slots[0].current
        models.bind()


@given(st.lists(st.text(), max_size=4))
def test_draws_are_numbers_that_texts_alone_decide(texts: list[str]) -> None:
    texts = [text.encode("utf8", "ignore").decode() for text in texts]
    asks = [AskedText.of(TextRecord(text)) for text in texts]
    drawn = draw(asks, "canary")
    assert 0 <= drawn < 1
    assert drawn == draw(asks, "canary")
    assert not texts or drawn != draw(asks, "other")


def test_draws_are_even() -> None:
    drawn = [draw([AskedText.of(TextRecord(f"text {i}"))], "canary") for i in range(2000)]
    assert sum(one < 0.1 for one in drawn) in range(140, 260)


SPANS = st.lists(
    st.builds(
        lambda start, n, label: SpanRecord(start, start + n, label),
        st.integers(0, 6),
        st.integers(1, 4),
        st.sampled_from("AB"),
    ),
    max_size=6,
)


@given(SPANS, SPANS)
def test_every_entity_of_both_counts_once(one: list[SpanRecord], other: list[SpanRecord]) -> None:
    counts = count_differences(one, other)
    both = counts["same"] + counts["label"] + counts["bounds"]
    assert both + counts["only_answered"] == len(one)
    assert both + counts["only_compared"] == len(other)
    assert counts["same"] == sum(
        min(one.count(span), other.count(span))
        for span in {(s.start, s.end, s.label): s for s in one}.values()
    )
    assert count_differences(one, one) == ({"same": len(one)} if one else {})


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "meta.json").write_text("{}", encoding="utf8")
    yield folder


def test_folder_has_changed_when_it_has_come_to_rest(folder: Path) -> None:
    watch = FolderWatch(str(folder))
    assert not watch.has_changed()
    (folder / "weights").write_text("1", encoding="utf8")
    assert not watch.has_changed()  # it may still be written
    (folder / "weights").write_text("12", encoding="utf8")
    assert not watch.has_changed()
    assert watch.has_changed()
    assert not watch.has_changed()


def test_link_that_leads_elsewhere_is_a_change(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to(folder)
    (tmp_path / "other").mkdir()
    watch = FolderWatch(str(link))
    link.unlink()
    assert [watch.has_changed(), watch.has_changed()] == [False, False]  # nothing is there
    link.symlink_to(tmp_path / "other")
    assert [watch.has_changed(), watch.has_changed()] == [False, True]
