"""Which records are of the same text, and what is said of those that are not."""

from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_ner_plus import SpanRecord, TextRecord
from spacy_ner_plus.audit.agreement.annotator_files import read_annotators
from spacy_ner_plus.audit.agreement.shared_texts import SharedTexts, Voice, find_shared
from spacy_ner_plus.evaluation.label_choice import ALL
from spacy_ner_plus.records import TokenRecord
from tests.audit.agreement.annotated import record, write_annotators

NLP = spacy.blank("en")


def text(words: str, id: Any = None, **other: Any) -> TextRecord:
    return record(text=words, id=id, **other)


def shared_of(folder: Path, match: str = "auto", **texts: list[TextRecord]) -> SharedTexts:
    files = read_annotators(write_annotators(folder, **texts), None, {}, ALL)
    return find_shared(files, match, NLP)


def pairs(shared: SharedTexts) -> list[tuple[str, list[int]]]:
    return [(one.text.record.text, list(one.voices)) for one in shared.texts]


def test_texts_are_matched_by_ids_that_are_shared(tmp_path: Path) -> None:
    anna = [text("a", 1), text("a", 2), text("b", 3)]
    shared = shared_of(tmp_path, anna=anna, ben=[text("b", 3), text("a", 1), text("c", 4)])
    assert shared.matched_by == "id"
    assert pairs(shared) == [("a", [0, 1]), ("b", [0, 1])]
    assert [one.text.record.id for one in shared.texts] == [1, 3]
    assert [[record.id for _, record in alone] for alone in shared.alone] == [[2], [4]]
    assert [one.text.number for one in shared.texts] == [0, 1]


@pytest.mark.parametrize(
    "ids",
    [((1, 2), (7, 8)), ((1, None), (1, 2)), ((1, 1), (1, 1)), ((None, None), (None, None))],
    ids=["others", "lacking", "repeated", "none"],
)
def test_texts_are_matched_by_themselves_without_such_ids(
    ids: tuple[tuple[Any, Any], tuple[Any, Any]], tmp_path: Path
) -> None:
    anna, ben = ([text(words, id) for words, id in zip("ab", some, strict=True)] for some in ids)
    shared = shared_of(tmp_path, anna=anna, ben=ben[::-1])
    assert shared.matched_by == "text"
    assert pairs(shared) == [("a", [0, 1]), ("b", [0, 1])]


def test_equal_texts_of_a_file_are_several(tmp_path: Path) -> None:
    shared = shared_of(tmp_path, anna=[text("a")] * 3, ben=[text("a")] * 2, carl=[text("b")])
    assert pairs(shared) == [("a", [0, 1])] * 2
    assert list(map(len, shared.alone)) == [1, 0, 1]
    assert [where for where, _ in shared.alone[0]] == [f"{tmp_path / 'anna.jsonl'}, line 3"]
    first, second = shared.warnings()
    assert "1 of 3 texts of anna are nobody else's" in first
    assert "carl.jsonl, line 1, 'b'" in second


def test_of_named_annotators_the_last_annotation_of_a_text_counts(tmp_path: Path) -> None:
    by = {name: {"annotator": name} for name in ("anna", "ben")}
    shared = shared_of(
        tmp_path,
        export=[
            text("Anna", meta=by["anna"]),
            text("Anna", meta=by["ben"]),
            TextRecord("Anna", spans=(SpanRecord(0, 4, "PER"),), meta=by["anna"]),
        ],
    )
    assert pairs(shared) == [("Anna", [0, 1])]
    assert [voice.spans for voice in shared.texts[0].voices.values()] == [((0, 4, "PER"),), ()]
    assert shared.repeated == [1, 0]
    assert "1 earlier ones do not" in next(iter(shared.warnings()))


def test_other_texts_under_an_id_are_an_error_with_their_places(tmp_path: Path) -> None:
    anna = [text(f"text {i}", i) for i in range(9)]
    ben = [text(f"text {i}{'!' * (i > 1)}", i) for i in range(9)]
    with pytest.raises(ValueError, match="not the same") as caught:
        shared_of(tmp_path, anna=anna, ben=ben)
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("(7 of 9):")
    assert lines[1] == (
        f"  id 2: {tmp_path / 'anna.jsonl'}, line 3 has '' from character 6 on, but "
        f"{tmp_path / 'ben.jsonl'}, line 3 has '!'"
    )
    assert lines[6] == "  and 2 more"
    assert lines[7].endswith("--match text.")
    assert len(shared_of(tmp_path, "text", anna=anna, ben=ben).texts) == 2


@pytest.mark.parametrize(
    ("match", "message"),
    [
        ("auto", "Annotators have no texts that are the same to the last character:\n"
                 "  anna: 1 texts; the first, .*anna.jsonl, line 1, 'a b'\n  ben: 1 texts"),
        ("id", "no ids that are the same:\n  anna: .* id 1\n  ben: .* id 2\n.*match text"),
        ("number", "--match number must be one of auto, id, text"),
    ],
)  # fmt: skip
def test_nothing_in_common_is_an_error_that_shows_the_first(
    match: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        shared_of(tmp_path, match, anna=[text("a b", 1)], ben=[text("a  b", 2)])


def test_matching_by_ids_needs_one_for_each_text(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ben\.jsonl, line 1: the text has no id"):
        shared_of(tmp_path, "id", anna=[text("a", 1)], ben=[text("a")])
    with pytest.raises(ValueError, match=r"anna\.jsonl, line 2: .*line 1 has the same id, 1"):
        shared_of(tmp_path, "id", anna=[text("a", 1), text("b", 1)], ben=[text("a", 1)])


def test_tokens_are_those_that_all_annotators_have(tmp_path: Path) -> None:
    """Else, those of the tokenizer."""
    own = (TokenRecord(0, 2), TokenRecord(2, 4))
    both = shared_of(tmp_path, anna=[text("ab c", tokens=(TokenRecord(0, 2), TokenRecord(3, 4)))],
                     ben=[text("ab c", tokens=(TokenRecord(0, 2), TokenRecord(3, 4)))])  # fmt: skip
    assert not both.texts[0].is_tokenized
    for tokens in (None, (TokenRecord(0, 4),)):
        one = shared_of(
            tmp_path, anna=[text("abcd", tokens=own)], ben=[text("abcd", tokens=tokens)]
        )
        assert one.texts[0].is_tokenized
        assert [token.text for token in one.texts[0].text.doc] == ["abcd"]
    same = shared_of(tmp_path, anna=[text("abcd", tokens=own)], ben=[text("abcd", tokens=own)])
    assert [token.text for token in same.texts[0].text.doc] == ["ab", "cd"]


def test_a_voice_judges_what_it_knows() -> None:
    spans = (SpanRecord(0, 4, "PER"), SpanRecord(20, 24, "ORG", status="ignored"))
    voice = Voice(
        TextRecord("x" * 40, spans=spans, unknown=((0, 10),), annotated_labels=("PER", "ORG"))
    )
    assert voice.spans == ((0, 4, "PER"),)
    assert voice.can_judge((2, 6, "PER"))  # it has something else there
    assert not voice.can_judge((6, 9, "PER"))
    assert not voice.can_judge((22, 30, "ORG"))
    assert voice.can_judge((10, 12, "ORG"))
    assert not voice.can_judge((10, 12, "LOC"))
