"""What answers say, however they are written."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.pipeline.llm_reading.grounding.mentions import Mention
from spacy_ner_plus.pipeline.llm_reading.prompting.answer_reading import read_answer
from spacy_ner_plus.pipeline.llm_reading.prompting.prompt_writing import answer_of
from spacy_ner_plus.pipeline.llm_reading.prompting.tolerant_json import read_json

LABELS = ["Chemical", "Disease"]
TWO = [Mention("aspirin", "Chemical"), Mention("rash, severe", "Disease")]
WHOLE = answer_of(TWO)


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        f"```json\n{WHOLE}\n```",
        f"Here is what I found [see below]:\n{WHOLE}\nAnything else?",
        f'<think>{{"entities": [{{"text": "x", "label": "Disease"}}]}}</think>{WHOLE}',
        WHOLE.replace("}]", "},]"),
        WHOLE.replace("}, {", "} {"),
        json.dumps(json.loads(WHOLE)["entities"]),
        json.dumps({"Chemical": ["aspirin"], "disease": ["rash, severe"]}),
        json.dumps({"entities": {"Chemical": "aspirin", "Disease": ["rash, severe"]}}),
        WHOLE.replace('"text"', '"entity"').replace('"label"', '"type"'),
        WHOLE.replace("Disease", " disease"),
    ],
)
def test_the_same_in_many_forms(answer: str) -> None:
    found = read_answer(answer, LABELS)
    assert list(found.mentions) == TWO
    assert found.is_usable
    assert found.is_whole


@pytest.mark.parametrize("n_kept", range(1, len(WHOLE)))
def test_of_what_is_cut_the_whole_is_taken_and_the_cut_is_counted(n_kept: int) -> None:
    found = read_answer(WHOLE[:n_kept], LABELS)
    assert list(found.mentions) == TWO[: WHOLE[:n_kept].count("}")]
    assert found.faults == {"cut": 1}
    assert not found.is_whole


@pytest.mark.parametrize(
    ("answer", "faults"),
    [
        ("", {"empty": 1}),
        (" \n", {"empty": 1}),
        ("I can't help with that.", {"no_json": 1}),
        ('{"error": "refused"}', {"no_json": 1}),
        ("[1] is a reference", {"no_json": 1}),
        ('{"entities": [{"text": "a", "label": "Gene"}]}', {"other_label": 1}),
        ('{"entities": [{"text": "", "label": "Disease"}, {"text": "a"}, 3]}', {"malformed": 3}),
        ('{"entities": [{"text": "a", "label": "Disease"}, oops]}', {"broken": 1}),
        ('{"entities": ' + "[" * 5000, {"malformed": 1, "broken": 1}),
        ('{"entities": []}', {}),
        ("{}", {}),
        ("[]", {}),
    ],
)
def test_what_is_wrong_is_counted(answer: str, faults: dict[str, int]) -> None:
    found = read_answer(answer, LABELS)
    assert set(found.faults.items()) <= set(faults.items())
    assert bool(found.faults) == bool(faults)


def test_labels_that_were_not_asked_for_are_named() -> None:
    answer = '[{"text": "a", "label": "Gene"}, {"text": "b", "label": "Disease"}]'
    found = read_answer(answer, LABELS)
    assert found.mentions == (Mention("b", "Disease"),)
    assert found.other_labels == {"Gene": 1}
    assert found.is_whole


def test_places_are_those_of_the_objects() -> None:
    found = read_answer(f"Sure: {WHOLE}", LABELS)
    for place, mention in zip(found.places, found.mentions, strict=True):
        assert place is not None
        start, end = place
        assert json.loads(f"Sure: {WHOLE}"[start:end])["text"] == mention.text


def test_half_characters_do_not_come_in() -> None:
    [mention] = read_answer('[{"text": "a\\ud83d", "label": "Disease"}]', LABELS).mentions
    assert mention.text == "a?"


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.lists(PLAIN, max_size=3) | st.dictionaries(st.text(max_size=3), PLAIN))
def test_sound_json_is_read_as_it_is(value: object) -> None:
    text = json.dumps(value)
    found = read_json(text, 0)
    assert found.value == value
    assert (found.end, found.fault) == (len(text), None)


@settings(deadline=None, max_examples=200)
@given(st.text('{}[]",:\\ tnx1"', max_size=40))
def test_anything_is_read_or_counted(answer: str) -> None:
    found = read_answer(answer, ["x"])
    assert len(found.mentions) == len(found.places)
    assert all(mention.text.strip() and mention.label == "x" for mention in found.mentions)
