"""The core: what goes, what comes in its place, and the way back."""

from itertools import pairwise

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Span

from spacy_ner_plus.annotation.entity_source import EntitySource
from spacy_ner_plus.annotation.scored_group import ScoredGroup
from spacy_ner_plus.records import SpanRecord, TextRecord
from spacy_ner_plus.redaction.folded_words import folded_words, is_name
from spacy_ner_plus.redaction.hidden_stretches import united
from spacy_ner_plus.redaction.redacted_text import FOUND, REPEATED, HiddenStretch
from spacy_ner_plus.redaction.redactor import Redactor
from spacy_ner_plus.redaction.substitutes import KeyedHashes, Labels, Masks
from tests.redaction.samples import KEY, METHODS, SURROGATES, records, redactors, stands


def record(text: str, *names: str, label: str = "PERX", **settings: object) -> TextRecord:
    """A text with the first place of each name as an entity."""
    spans = [
        SpanRecord(text.index(name), text.index(name) + len(name), label, **settings)
        for name in names
    ]
    return TextRecord(text, spans=tuple(spans))


@given(records(), redactors)
def test_restored_is_the_original(given_record, redactor) -> None:
    done = redactor.redact(given_record)
    assert done.restored() == given_record.text
    for one, original in zip(done.replacements, done.originals, strict=True):
        assert given_record.text[one.hidden.start : one.hidden.end] == original
        assert one.start < one.end


@given(records(), redactors)
def test_every_entity_goes_and_nothing_else(given_record, redactor) -> None:
    stretches = Redactor(redactor.substitutes, redactor.labels, repeated=False).hidden(given_record)
    hidden = {i for one in stretches for i in range(one.start, one.end)}
    wanted = {
        i
        for span in given_record.spans
        if redactor.labels is None or span.label in redactor.labels
        for i in range(span.start, span.end)
    }
    text = given_record.text
    assert hidden <= wanted
    assert all(text[i].isspace() for i in wanted - hidden)
    assert [one.start for one in stretches] == sorted(one.start for one in stretches)
    for before, after in pairwise(stretches):
        assert before.end <= after.start


@given(records(), st.sampled_from(METHODS))
def test_no_name_is_left(given_record, substitutes) -> None:
    done = Redactor(substitutes).redact(given_record)
    for name in (given_record.text[span.start : span.end] for span in given_record.spans):
        if is_name(word.folded for word in folded_words(name)):
            assert not stands(name, done.text)


@given(records(), redactors, st.data())
def test_offsets_lead_there_and_back(given_record, redactor, data) -> None:
    done = redactor.redact(given_record)
    offsets, text = done.offsets, given_record.text
    for one in done.replacements:
        place = (one.hidden.start, one.hidden.end)
        assert offsets.to_redacted(*place) == (one.start, one.end)
        assert offsets.to_original(one.start, one.end) == place
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    there = offsets.to_redacted(start, end)
    assert 0 <= there[0] <= there[1] <= len(done.text)
    back = offsets.to_original(*there)
    cut = [one for one in done.replacements if one.hidden.start < end and start < one.hidden.end]
    if start < end:
        assert back == (
            min([start, *(one.hidden.start for one in cut)]),
            max([end, *(one.hidden.end for one in cut)]),
        )
    if not cut and start < end:
        assert done.text[slice(*there)] == text[start:end]


@given(records())
def test_mask_of_the_same_length_moves_nothing(given_record) -> None:
    done = Redactor().redact(given_record)
    assert len(done.text) == len(given_record.text)
    assert done.offsets.to_redacted(0, len(done.text)) == (0, len(done.text))


@given(records(), records(), st.sampled_from([KeyedHashes(KEY), SURROGATES]))
def test_a_name_has_one_substitute(one, other, substitutes) -> None:
    """In all documents, and whatever its case: but for the case form of surrogates."""
    found: dict[tuple[str, str], set[str]] = {}
    for given_record in (one, other, one):
        done = Redactor(substitutes).redact(given_record)
        for place, original in zip(done.replacements, done.originals, strict=True):
            folded = " ".join(word.folded for word in folded_words(original))
            key = (folded, place.hidden.label)
            found.setdefault(key, set()).add(done.text[place.start : place.end].casefold())
            assert done.text[place.start : place.end] != original or not is_name(folded)
    assert all(len(its) == 1 for its in found.values())


def test_hash_depends_on_key_and_label() -> None:
    name = "Anna Berg"
    hashes = {
        KeyedHashes(key).of(name, label).text.split("_")[1]
        for key in (KEY, KEY[::-1])
        for label in ("PER", "LOC")
    }
    assert len(hashes) == 4
    assert KeyedHashes(KEY).of(name, "PER") == KeyedHashes(KEY).of("anna  BERG", "PER")
    assert KEY.decode() not in repr(KeyedHashes(KEY))


def test_repeated_names_go_too() -> None:
    text = "Anna Berg met ANNA\nBERG, not Annabel; anna berg's."
    done = Redactor(Labels()).redact(record(text, "Anna Berg"))
    assert done.text == "[PERX] met [PERX], not Annabel; [PERX]'s."
    assert [one.hidden.kind for one in done.replacements] == [FOUND, REPEATED, REPEATED]
    alone = Redactor(Labels(), repeated=False).redact(record(text, "Anna Berg"))
    assert alone.text == text.replace("Anna Berg", "[PERX]")


def test_part_of_a_word_does_not_become_one() -> None:
    """What is left of a word beside an entity within it would be a whole one in the output."""
    done = Redactor().redact(record("Annaberg and berg", "Anna", "berg"))
    assert "berg" not in done.text


def test_entities_within_entities_go_as_one() -> None:
    nlp = spacy.blank("en")
    doc = nlp("University of California at Berkeley , California")
    spans = [Span(doc, 0, 5, "ORG"), Span(doc, 2, 3, "LOC"), Span(doc, 4, 6, "LOC")]
    doc.spans["nested"] = ScoredGroup(doc, name="nested", spans=spans, scores=[0.5, 0.9, 0.2])
    done = Redactor(Labels()).redact(doc, EntitySource("nested"))
    assert done.text == "[ORG] [LOC]"
    one = done.replacements[0]
    assert (one.hidden.label, one.hidden.probability) == ("ORG", 0.9)
    only = Redactor(Labels(), labels=frozenset({"LOC"})).redact(doc, EntitySource("nested"))
    assert only.text == "University of [LOC] at [LOC] [LOC]"


def test_stretches_that_only_touch_stay_apart() -> None:
    assert len(united([HiddenStretch(0, 2, "A"), HiddenStretch(2, 4, "A")])) == 2


def test_names_are_found_in_scripts_without_blanks_by_tokens() -> None:
    doc = spacy.blank("zh")("北京在北京市")
    doc.ents = [Span(doc, 0, 2, "LOC")]
    assert Redactor(Masks("*")).redact(doc).text == "**在**市"


def test_thresholds_keep_what_is_less_probable() -> None:
    spans = (
        SpanRecord(0, 4, "PER", probability=0.4),
        SpanRecord(5, 8, "LOC", probability=0.4),
        SpanRecord(9, 12, "PER"),
    )
    given_record = TextRecord("Anna Ulm Bob", spans=spans)
    redactor = Redactor(Masks("*"), threshold={"PER": 0.5, "LOC": 0.4})
    assert redactor.redact(given_record).text == "Anna *** ***"
    with pytest.raises(ValueError, match=r"thresholds for \['LOC'\], which are not redacted"):
        Redactor(labels=frozenset({"PER"}), threshold={"LOC": 0.4})


def test_rejected_spans_stay_and_unknown_ones_are_an_error() -> None:
    spans = (SpanRecord(0, 4, "PER", status="rejected"),)
    assert Redactor().redact(TextRecord("Anna", spans=spans)).text == "Anna"
    with pytest.raises(ValueError, match="Nothing is known") as error:
        Redactor().redact(TextRecord("Anna Berg", spans=None))
    assert "Anna" not in str(error.value)


def test_surrogates_keep_the_case_form() -> None:
    names = {SURROGATES.of(name, "PERX").text for name in ("Bob", "BOB", "bob")}
    assert len(names) == 3 and len({name.casefold() for name in names}) == 1
    assert {"BOB": str.isupper, "bob": str.islower}["BOB"](SURROGATES.of("BOB", "PERX").text)
    assert SURROGATES.of("Anna", "PERX").text.casefold() != "anna"


def test_name_without_another_gets_its_label() -> None:
    assert SURROGATES.of("ULM", "LOCX") == ("[LOCX]", True)
    assert SURROGATES.of("Rom", "LOCX") == ("Ulm", False)
    assert SURROGATES.of("Rom", "OTHER") == ("[OTHER]", True)


@pytest.mark.parametrize("settings", [{"char": "a"}, {"char": "**"}, {"char": " "}, {"length": 0}])
def test_mask_that_could_be_a_name_is_refused(settings) -> None:
    with pytest.raises(ValueError, match="must be"):
        Masks(**settings)


@pytest.mark.parametrize("digits", [7, 65])
def test_hash_that_is_too_short_is_refused(digits: int) -> None:
    with pytest.raises(ValueError, match="from 8 to 64"):
        KeyedHashes(KEY, digits)
