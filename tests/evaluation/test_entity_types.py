"""Which entity types count, under what names, and which only one side has."""

import json
from pathlib import Path

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import DocBin, Span

import spacy_ner_plus
from spacy_ner_plus.annotation.gold import ANNOTATED_LABELS, register_annotated_labels
from spacy_ner_plus.evaluation import predictions
from spacy_ner_plus.evaluation.entity_types import chosen, entity_types, own_labels
from spacy_ner_plus.evaluation.label_choice import ALL, LabelChoice, choose
from spacy_ner_plus.evaluation.predictions import predict
from spacy_ner_plus.evaluation.schema import EntityTypes, SideCounts
from spacy_ner_plus.evaluation.type_notes import MOST_LABELS, type_notes
from tests.evaluation.docs import flat_spans, make_document

PATTERNS = {"aspirin": "CHEMICAL", "fever": "Disease", "Anna": "PERSON"}
TEXTS = ["aspirin helps Anna against fever", "cough after aspirin", "nothing here"]
GOLD: list[list[tuple[int, int, str]]] = [
    [(0, 1, "Chemical"), (4, 5, "Disease")],
    [(0, 1, "Symptom"), (2, 3, "Chemical")],
    [],
]


@pytest.fixture
def nlp() -> Language:
    nlp = spacy.blank("en")
    patterns = [{"label": label, "pattern": text} for text, label in PATTERNS.items()]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)
    return nlp


@pytest.fixture
def data(nlp: Language, tmp_path: Path) -> Path:
    return write_data(nlp, tmp_path / "test.spacy")


def write_data(nlp: Language, path: Path, annotated: list[str] | None = None) -> Path:
    register_annotated_labels()
    docs = []
    for text, spans in zip(TEXTS, GOLD, strict=True):
        doc = nlp.make_doc(text)
        doc.set_ents([Span(doc, *span) for span in spans], default="outside")
        doc._.set(ANNOTATED_LABELS, annotated)
        docs.append(doc)
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


def test_types_of_one_side_are_told_with_their_numbers(nlp: Language, data: Path) -> None:
    its = spacy_ner_plus.evaluate(nlp, data, samples=10).metrics.types
    assert its == EntityTypes(
        shared=["Disease"],
        gold_only={"Chemical": 2, "Symptom": 1},
        predicted_only={"CHEMICAL": 2, "PERSON": 1},
    )
    assert type_notes(its) == [
        "Types of the data that the pipeline lacks, all missed: Chemical (2 gold), "
        "Symptom (1 gold).",
        "Types of the pipeline that the data lacks, all wrong: CHEMICAL (2 predicted), "
        "PERSON (1 predicted).",
        "For those of both alone: --labels Disease",
        "Where two names are of one type: --map OLD=NEW, such as --map CHEMICAL=Chemical",
    ]


def test_map_renames_both_sides_and_labels_choose_by_the_new_names(
    nlp: Language, data: Path
) -> None:
    label_map = {"CHEMICAL": "Chemical", "Symptom": "Disease"}
    found = spacy_ner_plus.evaluate(
        nlp, data, samples=10, labels=["Chemical", "Disease"], label_map=label_map
    ).metrics
    micro = found.exact.micro
    assert (micro.tp, micro.fp, micro.fn) == (3, 0, 1)
    assert list(found.exact.types) == ["Chemical", "Disease"]
    assert (found.counts.gold, found.counts.predicted) == (4, 3)
    assert found.types == EntityTypes(
        labels=["Chemical", "Disease"],
        label_map=label_map,
        shared=["Chemical", "Disease"],
        renamed={"CHEMICAL": SideCounts(0, 2), "Symptom": SideCounts(1, 0)},
        left_out={"PERSON": SideCounts(0, 1)},
    )
    assert type_notes(found.types) == [
        "Only these types count (--labels): Chemical, Disease.",
        "Left out: PERSON (0 gold, 1 predicted).",
        "Renamed (--map): CHEMICAL to Chemical (0 gold, 2 predicted), "
        "Symptom to Disease (1 gold, 0 predicted).",
    ]


def test_a_type_with_an_empty_name_is_dropped_on_both_sides(nlp: Language, data: Path) -> None:
    label_map = {"CHEMICAL": "", "Chemical": "", "PERSON": "", "Symptom": ""}
    found = spacy_ner_plus.evaluate(nlp, data, samples=10, label_map=label_map).metrics
    assert found.exact.micro.f1 == 1.0
    assert set(found.types.left_out) == set(label_map)
    assert found.types.renamed == {}


def test_names_that_nothing_has_are_told(nlp: Language, data: Path) -> None:
    found = spacy_ner_plus.evaluate(
        nlp, data, samples=10, labels=["Disease", "disease"], label_map={"NOPE": "Disease"}
    ).metrics
    assert found.types.unused == ["disease", "NOPE"]
    notes = type_notes(found.types)
    assert "No entity has these types, which the options name: disease, NOPE." in notes


def test_labels_of_which_there_is_nothing_are_refused_before_the_pipeline_runs(
    nlp: Language, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "found.jsonl"
    spacy_ner_plus.predict(nlp, data, output)
    message = "--labels names, 'disease'.*of the data: 'Chemical', 'Disease', 'Symptom'; of the pip"
    with pytest.raises(ValueError, match=message):
        spacy_ner_plus.evaluate(output, data, labels=["disease"])
    monkeypatch.setattr(predictions, "_timed", None)
    for function in (
        lambda: spacy_ner_plus.evaluate(nlp, data, labels=["disease"]),
        lambda: spacy_ner_plus.compare(nlp, nlp, data, labels=["disease"]),
    ):
        with pytest.raises(ValueError, match=message):
            function()


def test_choices_that_say_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="'Disease' is one string: give a list"):
        choose("Disease", None)
    for labels in ([], [""]):
        with pytest.raises(ValueError, match="--labels names no type"):
            choose(labels, None)
    with pytest.raises(ValueError, match="'A', which --map renames to 'B': name types by"):
        choose(["A"], {"A": "B"})
    with pytest.raises(ValueError, match="'A', which --map drops"):
        choose(["A"], {"A": ""})
    assert choose(["A", "B"], {"A": "B", "B": "A"}).labels == ("A", "B")
    assert choose(None, None) == ALL


def test_new_names_tell_what_documents_are_annotated_for(nlp: Language, tmp_path: Path) -> None:
    """Else a renamed entity would be of a type that nobody has looked for."""
    path = write_data(nlp, tmp_path / "some.spacy", ["Chemical", "Disease", "Symptom"])
    found = spacy_ner_plus.evaluate(nlp, path, samples=10, label_map={"CHEMICAL": "Chemical"})
    counts = found.metrics.counts
    assert (counts.predicted, counts.not_judged) == (3, 1)
    assert found.metrics.exact.types["Chemical"].tp == 2
    bare = spacy_ner_plus.evaluate(nlp, path, samples=10).metrics
    assert (bare.counts.predicted, bare.counts.not_judged) == (1, 3)
    assert bare.types.predicted_only == {}


def test_new_names_tell_what_is_known_from_training(nlp: Language, data: Path) -> None:
    label_map = {"CHEMICAL": "Chemical", "Symptom": "Disease"}
    found = spacy_ner_plus.evaluate(nlp, data, samples=10, train=data, label_map=label_map)
    seen = found.metrics.slices.seen
    assert seen is not None
    assert {group.group: group.gold for group in seen} == {"same label": 4, "unseen": 0}


def test_probabilities_without_calibration_are_those_of_renamed_entities(
    random_model: Path, tmp_path: Path
) -> None:
    nlp = spacy.load(random_model)
    component = nlp.get_pipe("ner_plus")
    component.calibration = type(component.calibration)(temperature=1.5)
    docs = list(nlp.pipe(["Effects of tetrandrine on thrombosis in mice .", "Severe ."]))
    assert any(doc.ents for doc in docs)
    DocBin(docs=docs).to_disk(tmp_path / "own.spacy")
    label_map = {label: label.lower() for label in component.labels}
    found = spacy_ner_plus.evaluate(nlp, tmp_path / "own.spacy", samples=10, label_map=label_map)
    confidence = found.metrics.confidence
    assert confidence is not None
    assert confidence.reliability.before is not None
    assert confidence.reliability.before.n == confidence.reliability.after.n
    for label, its in confidence.thresholds.types.items():
        assert (label, its.labels) == (its.labels[0].lower(), [its.labels[0]])


def test_compare_tells_the_types_of_each(nlp: Language, data: Path, tmp_path: Path) -> None:
    rows = [{"text": text, "spans": []} for text in TEXTS]
    rows[0]["spans"] = [{"start": 0, "end": 7, "label": "Chemical"}]
    path = tmp_path / "b.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    label_map = {"CHEMICAL": "Chemical"}
    its = spacy_ner_plus.compare(nlp, path, data, label_map=label_map, samples=10).metrics
    assert its.a.types.predicted_only == {"PERSON": 1}
    assert its.a.types.renamed == {"CHEMICAL": SideCounts(0, 2)}
    assert its.b.types.gold_only == {"Disease": 1, "Symptom": 1}
    assert (its.exact.types["Chemical"].a.tp, its.exact.types["Chemical"].b.tp) == (2, 1)
    only = spacy_ner_plus.compare(nlp, path, data, labels=["Disease"], samples=10)
    assert (only.metrics.exact.micro.a.tp, only.metrics.exact.micro.a.fp) == (1, 0)
    assert {row["meta"]["entity"]["label"] for row in only.differences} == {"Disease"}


@settings(deadline=None)
@given(flat_spans, flat_spans, st.sets(st.sampled_from("BCD"), min_size=1))
def test_nothing_is_lost_of_what_counts(gold, found, labels) -> None:
    document = make_document(gold, found)
    choice = LabelChoice(tuple(sorted(labels)), {"A": "D", "D": ""})
    [kept] = chosen([document], LabelChoice(None, choice.label_map))
    assert len(kept.gold) == len(gold)
    assert {e.label for e in kept.predicted} <= {"B", "C", "D"}
    renamed = {("D" if label == "A" else label) for _, _, label in [*gold, *found]}
    if not renamed & labels:
        return
    its = entity_types([document], choice)
    [kept] = chosen([document], choice)
    n_out = sum(side.gold + side.predicted for side in its.left_out.values())
    assert n_out + len(kept.gold) + len(kept.predicted) == len(gold) + len(found)
    assert {e.label for e in (*kept.gold, *kept.predicted)} <= labels
    assert {*its.gold_only, *its.predicted_only, *its.shared} <= labels


def test_own_labels_are_all_that_go_by_a_name() -> None:
    choice = LabelChoice(None, {"A": "C", "B": "C"})
    assert own_labels(["B", "A", "D", "A"], choice) == {"C": ["A", "B"], "D": ["D"]}


def test_notes_stay_short() -> None:
    many = {f"T{i}": i for i in range(MOST_LABELS + 3)}
    [note, *_] = type_notes(EntityTypes(gold_only=many))
    assert note.endswith(" and 3 more.")


def test_types_that_a_pipeline_has_but_does_not_find_are_not_of_the_data_only(
    nlp: Language, tmp_path: Path
) -> None:
    doc = nlp.make_doc("Bob coughs")
    doc.ents = [Span(doc, 0, 1, "PERSON")]
    DocBin(docs=[doc]).to_disk(tmp_path / "test.spacy")
    types = spacy_ner_plus.evaluate(nlp, tmp_path / "test.spacy", samples=10).metrics.types
    assert (types.shared, types.gold_only) == (["PERSON"], {})
    found = predict(nlp, tmp_path / "test.spacy").documents
    assert entity_types(found, ALL).gold_only == {"PERSON": 1}
