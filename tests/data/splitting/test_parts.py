"""Files of annotated texts to training, development and test data."""

from collections import Counter
from itertools import chain
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin

from spacy_ner_plus.data.splitting import near_duplicates
from spacy_ner_plus.data.splitting.annotated_file import MOST_SHOWN, AnnotatedFile, AnnotatedText
from spacy_ner_plus.data.splitting.parts import SEED, SHARES, divide, read_parts, repeated_texts
from spacy_ner_plus.data.splitting.stratification import stratify
from spacy_ner_plus.records import SpanRecord, TextRecord
from tests.annotated_texts import make_rows, write_rows

NLP = spacy.blank("en")


def texts_of(parts: dict[str, Any]) -> dict[str, list[str]]:
    return {name: [doc.text for doc in part.docs] for name, part in parts.items()}


def file_of(labels: list[str | None]) -> AnnotatedFile:
    """A text for each label, with one entity of it, or none."""
    texts = []
    for i, label in enumerate(labels):
        spans = (SpanRecord(0, 4, label),) if label else ()
        record = TextRecord(f"word {i}", spans=spans)
        doc = NLP(record.text)
        if label:
            doc.set_ents([doc.char_span(0, 4, label=label)])
        texts.append(AnnotatedText(doc, record, f"texts.jsonl, line {i + 1}"))
    return AnnotatedFile(Path("texts.jsonl"), texts)


def test_one_file_becomes_three_parts_with_like_shares_of_labels(tmp_path: Path) -> None:
    rows = make_rows(200)
    parts, files = read_parts([write_rows(tmp_path / "texts.jsonl", rows)], NLP)
    assert [len(part.docs) for part in parts.values()] == [160, 20, 20]
    texts = texts_of(parts)
    assert sorted(chain(*texts.values())) == sorted(row["text"] for row in rows)
    assert all(part.source == files[0].path for part in parts.values())
    counts = Counter(span["label"] for row in rows for span in row["spans"])
    for label, n in counts.items():
        for name, share in SHARES.items():
            assert abs(parts[name].entities[label] - share * n) < 3
    again, _ = read_parts([tmp_path / "texts.jsonl"], NLP)
    assert texts_of(again) == texts


def test_two_files_are_train_and_test_and_three_are_what_they_say(tmp_path: Path) -> None:
    paths = [
        write_rows(tmp_path / f"{seed}.jsonl", make_rows(n, seed))
        for seed, n in enumerate((90, 30, 20))
    ]
    read = [[row["text"] for row in make_rows(n, seed)] for seed, n in enumerate((90, 30, 20))]
    parts, _ = read_parts(paths[:2], NLP)
    texts = texts_of(parts)
    assert texts["test"] == read[1]
    assert len(texts["dev"]) == 10
    assert sorted(texts["train"] + texts["dev"]) == sorted(read[0])
    parts, files = read_parts(paths, NLP)
    assert list(texts_of(parts).values()) == read
    assert [file.path for file in files] == paths


@settings(deadline=None)
@given(st.lists(st.sampled_from(["A", "B", None]), min_size=3, max_size=60))
def test_each_part_gets_a_text_and_each_text_a_part(labels: list[str | None]) -> None:
    for names in (["train", "dev"], ["train", "dev", "test"]):
        parts = divide(file_of(labels), {name: SHARES[name] for name in names})
        assert all(part.texts for part in parts)
        assert len(parts[0].texts) == max(len(part.texts) for part in parts)
        numbers = [doc[1].text for part in parts for doc in part.docs]
        assert sorted(numbers, key=int) == [str(i) for i in range(len(labels))]


def test_without_texts_that_are_alike_they_do_not_change_the_division() -> None:
    file = file_of(["A", "B", None, "A"] * 15)
    divided = divide(file, SHARES)
    labels = [[ent.label_ for ent in text.doc.ents] for text in file.texts]
    counts = np.array([[one.count("A"), one.count("B")] for one in labels])
    places = stratify(counts, list(SHARES.values()), SEED)
    for number, part in enumerate(divided):
        assert part.texts == [file.texts[i] for i in np.flatnonzero(places == number)]
    assert file.warnings == []


@pytest.mark.parametrize("has_extra", [True, False])
def test_texts_that_are_alike_are_in_one_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_extra: bool
) -> None:
    monkeypatch.setattr(near_duplicates, "is_installed", lambda _: has_extra)
    rows = [
        {"text": f"{i:05} {c * 9} {c * 9} {i:05}", "spans": []}
        for i, c in enumerate(ascii_lowercase)
    ]
    same = [row | {"text": row["text"].upper().replace(" ", "  ")} for row in rows]
    near = [row | {"text": row["text"] + "!"} for row in rows]
    for row in (*rows, *same, *near):
        row["spans"] = [{"start": 0, "end": 5, "label": "Number"}]
    path = write_rows(tmp_path / "texts.jsonl", [*rows, *same, *near])
    parts, files = read_parts([path], NLP)
    places = {text: name for name, texts in texts_of(parts).items() for text in texts}
    assert all(places[a["text"]] == places[b["text"]] for a, b in zip(rows, same, strict=True))
    apart = [a for a, b in zip(rows, near, strict=True) if places[a["text"]] != places[b["text"]]]
    assert bool(apart) != has_extra
    n, nearly = (78, "nearly ") if has_extra else (52, "")
    assert files[0].warnings[0] == (
        f"{n} texts are {nearly}the same as others, with which they are in one part"
    )
    assert ["not looked for" in one for one in files[0].warnings[1:]] == [True] * (not has_extra)


def test_written_parts_keep_ids_and_are_the_same_bytes_again(tmp_path: Path) -> None:
    rows = [{**row, "id": f"a{i}"} for i, row in enumerate(make_rows(30))]
    path = write_rows(tmp_path / "texts.jsonl", rows)
    for folder in ("one", "two"):
        parts, _ = read_parts([path], spacy.blank("en"))
        for name, part in parts.items():
            part.write(tmp_path / folder / f"{name}.spacy")
    for name, part in parts.items():
        content = (tmp_path / "one" / f"{name}.spacy").read_bytes()
        assert content == (tmp_path / "two" / f"{name}.spacy").read_bytes()
        docs = list(DocBin().from_bytes(content).get_docs(NLP.vocab))
        by_id = {row["id"]: row for row in rows}
        assert [doc.text for doc in docs] == [doc.text for doc in part.docs]
        for doc in docs:
            assert doc.text == by_id[doc.user_data["id"]]["text"]


def test_column_files_are_grouped(tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    sentences = (f"Aspirin{i}\tB-Drug\n{i:08}\tO\n\n" for i in range(40))
    path.write_text("".join(sentences), encoding="utf8")
    parts, _ = read_parts([path], NLP)
    assert sum(len(part.docs) for part in parts.values()) == 40
    parts, _ = read_parts([path], NLP, group=4)
    assert sum(len(part.docs) for part in parts.values()) == 10
    assert all(len(doc) == 8 for part in parts.values() for doc in part.docs)


def test_texts_without_annotation_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [*make_rows(20), {"text": "Nobody has looked."}, {"text": " ", "spans": []}]
    parts, files = read_parts([write_rows(tmp_path / "texts.jsonl", rows)], NLP)
    assert sum(len(part.docs) for part in parts.values()) == 20
    assert files[0].n_left_out == 2


def test_misaligned_entities_are_named_with_their_line(tmp_path: Path) -> None:
    rows = make_rows(20)
    rows[6] = {"text": "Codeine helps.", "spans": [{"start": 1, "end": 7, "label": "Drug"}]}
    path = write_rows(tmp_path / "texts.jsonl", rows)
    _, files = read_parts([path], NLP)
    (misaligned,) = files[0].misaligned
    assert misaligned.startswith(f"{path}, line 7: Drug 'odeine' at characters 1-7")
    (doc,) = [text.doc for text in files[0].texts if text.doc.text == "Codeine helps."]
    assert [token.ent_iob for token in doc] == [0, 2, 2]


def test_repeated_texts_are_counted(tmp_path: Path) -> None:
    paths = [write_rows(tmp_path / f"{i}.jsonl", make_rows(20, seed=i)) for i in range(3)]
    parts, _ = read_parts(paths, NLP)
    assert repeated_texts(parts) == 0
    paths[2] = write_rows(tmp_path / "again.jsonl", [*make_rows(20, seed=2), *make_rows(3)])
    parts, _ = read_parts(paths, NLP)
    assert repeated_texts(parts) == 3


GOOD = {"text": "Aspirin helps.", "spans": [{"start": 0, "end": 7, "label": "Drug"}]}
NOTHINGS: list[dict[str, Any]] = [{"text": c * 8, "spans": []} for c in "abcdefghi"]
SHIFTED = {"text": "Aspirin helps.", "spans": [{"start": 1, "end": 8, "label": "Drug"}]}
NESTED = {
    "text": "Aspirin helps.",
    "spans": [{"start": 0, "end": 7, "label": "Drug"}, {"start": 0, "end": 13, "label": "Fact"}],
}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "is empty"),
        ([{"text": "Aspirin helps."}] * 5, "None of the 5 texts in .* is annotated"),
        ([{"text": "Aspirin helps.", "spans": []}] * 5, "has no annotated entities"),
        ([GOOD], r"has 1 annotated text\(s\), but train and dev and test data need one each"),
        ([GOOD, GOOD], r"has 2 annotated text\(s\)"),
        ([GOOD, *NOTHINGS], r"The \w+ data, \d+ text\(s\) of .* have no entities"),
        ([GOOD, SHIFTED, SHIFTED], r"(?s)Of 3 entities in .*, 2 do not start.*line 2: .*line 3: "),
        ([GOOD, NESTED, GOOD, NESTED], r"(?s)has 2 texts that can't be used:.*line 2: .*line 4: "),
        ([GOOD] * 9, r"The \w+ data would have no text: of the 9 in .*, up to 9 are the same"),
        (["nonsense"], "line 1"),
    ],
)
def test_files_that_cannot_be_used_are_refused(
    tmp_path: Path, rows: list[Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read_parts([write_rows(tmp_path / "texts.jsonl", rows)], NLP)


def test_missing_files_and_too_many_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"There is no file .*nowhere.jsonl"):
        read_parts([tmp_path / "nowhere.jsonl"], NLP)
    with pytest.raises(ValueError, match="Got 4 files"):
        read_parts([tmp_path / "a.jsonl"] * 4, NLP)


def test_only_the_first_of_many_wrong_texts_are_listed(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "texts.jsonl", [*[NESTED] * (MOST_SHOWN + 2), GOOD])
    with pytest.raises(ValueError) as caught:
        read_parts([path], NLP)
    first, *lines = str(caught.value).splitlines()
    assert first == f"{path} has 12 texts that can't be used:"
    assert len(lines) == MOST_SHOWN + 1
    assert lines[0].startswith(f"  {path}, line 1: ")
    assert lines[-1] == "  and 2 more"


def test_text_that_spacys_format_cannot_hold_is_named_with_its_line(tmp_path: Path) -> None:
    rows = [*make_rows(8), {**GOOD, "id": 2**70}]
    parts, _ = read_parts([write_rows(tmp_path / "texts.jsonl", rows)] * 3, NLP)
    with pytest.raises(ValueError, match=r"texts\.jsonl, line 9: id holds .* than 64 bits"):
        parts["train"].write(tmp_path / "train.spacy")
    assert not (tmp_path / "train.spacy").exists()
