import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from transformers import AutoConfig, AutoModelForTokenClassification, PreTrainedModel

from spacy_ner_plus.models.pretrained.tag_names import (
    NO_ROW,
    OUTSIDE,
    CheckpointTags,
    TagNamesError,
    adjacent,
    parse_id2label,
)
from spacy_ner_plus.nn.encoders.transformer import TransformerEncoder
from spacy_ner_plus.tags import TagScheme

PREFIXES = {"IO": "I", "BIO": "BI", "BILOU": "BILU", "BIOES": "BIES", "BMES": "BMES"}
OURS = {"E": "L", "S": "U", "M": "I"}

text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(str.strip).filter(bool)
labels_strategy = st.lists(text, min_size=1, max_size=4, unique_by=str.casefold)


def parse(*names: Any) -> CheckpointTags:
    return parse_id2label(dict(enumerate(names)))


# Reading


@given(
    labels=labels_strategy,
    prefixes=st.sampled_from(list(PREFIXES.values())),
    data=st.data(),
)
def test_parse_reads_any_labels_in_any_order(
    labels: list[str], prefixes: str, data: st.DataObject
) -> None:
    tags = [(prefix, label) for label in labels for prefix in prefixes]
    order = data.draw(st.permutations([OUTSIDE, *tags]))
    names = ["O" if tag == OUTSIDE else f"{tag[0]}-{tag[1]}" for tag in order]
    parsed = parse(*names)
    assert parsed.rows == {
        (OURS.get(prefix, prefix), label): row for row, (prefix, label) in enumerate(order)
    }
    assert list(parsed.labels) == list(dict.fromkeys(label for _, label in order if label))
    assert parsed.scheme == {"I": "IO", "BI": "BIO"}.get(prefixes, "BILOU")
    assert parsed.unused == ()


@given(st.dictionaries(st.integers(-1, 6), st.text(alphabet="OBIXLU-_o[]1", max_size=4)))
def test_parse_gives_every_row_one_meaning_or_refuses(id2label: dict[int, str]) -> None:
    try:
        parsed = parse_id2label(id2label)
    except TagNamesError as error:
        assert "config.json" in str(error)
        return
    rows = list(parsed.rows.values())
    assert len(set(rows)) == len(rows)
    unused = [row for row, name in id2label.items() if name in parsed.unused]
    assert sorted(rows + unused) == sorted(id2label) == list(range(len(id2label)))
    assert {label for _, label in parsed.rows} == {"", *parsed.labels}


FORMS = [
    (["O", "B_PER", "I_PER"], ("PER",), "BIO"),
    (["PER-B", "PER-I", "O"], ("PER",), "BIO"),
    (["PER_B", "O", "PER_I"], ("PER",), "BIO"),
    (["o", "b-per", "i-per"], ("per",), "BIO"),
    (["O", "I-drug-name", "B-drug-name"], ("drug-name",), "BIO"),
    (["O", "B-drug_B", "I-drug_B"], ("drug_B",), "BIO"),
    (["O", "B-S", "I-S"], ("S",), "BIO"),
    (["PER", "LOC", "O"], ("PER", "LOC"), "IO"),
    (["O", "X"], ("X",), "IO"),
    (["O", "PER", "PAD"], ("PER", "PAD"), "IO"),
    (["O", "U-PER"] + [f"{p}-LOC" for p in "BL"], ("PER", "LOC"), "BILOU"),
    (["O", "B-PER", "E-PER", "S-PER"], ("PER",), "BILOU"),
    (["O", "B-PER", "B-LOC", "I-LOC"], ("PER", "LOC"), "BIO"),
]


@pytest.mark.parametrize(("names", "labels", "scheme"), FORMS)
def test_parse_reads_the_forms_in_use(
    names: list[str], labels: tuple[str, ...], scheme: str
) -> None:
    parsed = parse(*names)
    assert (parsed.labels, parsed.scheme, parsed.unused) == (labels, scheme, ())


@pytest.mark.parametrize("extra", ["X", "PAD", "[CLS]", "[SEP]", "<pad>", "<unk>"])
def test_parse_leaves_out_what_no_token_gets(extra: str) -> None:
    parsed = parse(extra, "O", "B-PER", "I-PER")
    assert parsed.rows == {OUTSIDE: 1, ("B", "PER"): 2, ("I", "PER"): 3}
    assert parsed.unused == (extra,)


def test_parse_knows_iob1_by_a_label_that_never_begins() -> None:
    """The tags of the checkpoint dbmdz/bert-large-cased-finetuned-conll03-english."""
    parsed = parse("B-LOC", "B-MISC", "B-ORG", "I-LOC", "I-MISC", "I-ORG", "I-PER", "O")
    assert parsed.scheme == "IOB1"
    assert parsed.labels == ("LOC", "MISC", "ORG", "PER")
    assert parsed.unused == ("B-LOC", "B-MISC", "B-ORG")
    assert {position for position, _ in parsed.rows} == {"O", "I"}


REFUSED = [
    (["LABEL_0", "LABEL_1"], r"does not say what its tags mean.*'LABEL_0', 'LABEL_1'.*\"B-PER\""),
    (["O", "LABEL_1"], "does not say what its tags mean"),
    (["B-PER", "I-PER"], "has no tag O: 'B-PER', 'I-PER'"),
    (["NOUN", "VERB", "X"], "has no tag O"),
    (["O", "o", "B-PER"], "has both O and o"),
    (["O"], "has no tags of entities"),
    (["O", "[CLS]"], "has no tags of entities"),
    (["O", "B-PER", "LOC"], "can be read in several ways: 'B-PER', 'LOC'"),
    (["O", "vitamin-E", "drug"], "can be read in several ways"),
    (["O", "e-mail", "phone"], "can be read in several ways"),
    (["O", "hepatitis-B"], "can be read in several ways"),
    (["O", "B_x-B", "I_x-I"], "can be read in several ways"),
    (["O", "B-", "I-"], "has tags without a label"),
    (["O", "B-PER", "b-PER"], "can be read in several ways"),
    (["O", "L-PER", "E-PER", "B-PER", "U-PER"], "mixes tags of several schemes: 'L-PER'"),
    (["O", "B-A", "M-A", "B-B", "I-B"], "mixes tags of several schemes"),
    (["O", "B-A", "E-A", "S-A", "B-B", "E-B", "U-B"], "mixes tags of several schemes"),
    (["O", "A_B", "A_M", "B_B", "B_I"], "mixes tags of several schemes"),
    (["O", "B-A", "I-B"], "has labels without B, and others without I: 'O', 'B-A', 'I-B'"),
    (["O", "B-PER", "I-per"], "has labels that differ in capitals only: 'O', 'B-PER', 'I-per'"),
    (["O", "B-PER ", "I-PER"], "names of tags that begin or end with white space: 'O', 'B-PER '"),
    (["O", "\tPER"], "names of tags that begin or end with white space"),
    (["O", "B- PER", "I- PER"], "labels that begin or end with white space: 'O', 'B- PER'"),
    (["O", "PER - B", "PER - I"], "can be read in several ways: 'PER - B', 'PER - I'"),
    (["O", "B-PER", "I-PER", "E-PER"], "has tags of no scheme that is known"),
    (["O", "E-PER"], "has tags of no scheme that is known"),
    (["O", "B-A", "L-A", "U-A", "I-B", "L-B"], "has an incomplete set of tags for 'B'"),
    (["O", "PER", "PER"], "gives a name to several tags"),
    (["O", "", "B-PER"], "has tags without a name"),
    (["O", None], "has tags without a name"),
    (["O", *(f"I-{i}" for i in range(20)), "B"], r"'I-11', \.\.\. \(21 in all\)"),
]


@pytest.mark.parametrize(("names", "message"), REFUSED)
def test_parse_refuses_what_is_not_certain(names: list[Any], message: str) -> None:
    with pytest.raises(TagNamesError, match=message):
        parse(*names)


def test_parse_refuses_rows_with_gaps() -> None:
    with pytest.raises(TagNamesError, match=r"numbers its tags \[0, 2\], not from 0 without gaps"):
        parse_id2label({0: "O", 2: "PER"})


# From the checkpoint's rows to ours


def entities_of(tags: Sequence[tuple[str, str]]) -> list[tuple[int, int, str]] | None:
    """What a sequence of IO, BIO or BILOU tags says, written anew; None if it is not valid."""
    found: list[tuple[int, int, str]] = []
    start: int | None = None
    closers = any(position in "LU" for position, _ in tags)
    for i, (position, label) in enumerate(tags):
        before = tags[i - 1] if i else OUTSIDE
        if position in "IL" and (before[1] != label or before[0] not in "BI"):
            return None
        if position in "BUO" and before[0] in "BI" and closers:
            return None
        if position in "BU":
            start = i
        after = tags[i + 1] if i + 1 < len(tags) else OUTSIDE
        if position != "O" and not (after[0] in "IL" and after[1] == label):
            assert start is not None
            found.append((start, i + 1, label))
    return None if closers and tags[-1][0] in "BI" else found


def io_entities_of(tags: Sequence[tuple[str, str]]) -> list[tuple[int, int, str]]:
    runs, start = [], 0
    for (position, label), run in itertools.groupby(tags):
        end = start + len(list(run))
        if position != "O":
            runs.append((start, end, label))
        start = end
    return runs


def tag_of(scheme: TagScheme, tag_id: int) -> tuple[str, str]:
    prefix, _, label = scheme.tags[tag_id].partition("-")
    return prefix, label


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("IO", "BIO"), ("IO", "BILOU"), ("BIO", "BIO"), ("BIO", "BILOU"), ("BILOU", "BILOU")],
)
def test_head_rows_give_entities_the_checkpoints_score(theirs: str, ours: str) -> None:
    """By enumeration: each set of entities that both can write has the same score in both."""
    names = ["I-B", "O", "I-A"] if theirs == "IO" else []
    names = names or ["O", *(f"{p}-{label}" for p in PREFIXES[theirs] for label in "BA")]
    parsed = parse(*names)
    scheme = TagScheme(ours, parsed.labels)
    rows = parsed.head_rows(scheme)
    length = 4
    scores = np.random.default_rng(0).normal(size=(length, len(names)))
    by_entities = {}
    for path in itertools.product(parsed.rows, repeat=length):
        found = io_entities_of(path) if theirs == "IO" else entities_of(path)
        if found is not None:
            score = sum(scores[t, parsed.rows[tag]] for t, tag in enumerate(path))
            by_entities[tuple(found)] = score
    emissions, reached, breaks = scores[:, rows], {}, adjacent(scheme)
    for path in itertools.product(range(scheme.n_tags), repeat=length):
        pairs = list(itertools.pairwise(path))
        if not (scheme.starts[path[0]] and scheme.ends[path[-1]]):
            continue
        if not all(scheme.transitions[pair] for pair in pairs):
            continue
        if theirs == "IO" and any(breaks[pair] for pair in pairs):
            continue
        starts, ends, ids = scheme.decode(np.array(path))
        key = tuple(zip(starts.tolist(), ends.tolist(), (scheme.labels[i] for i in ids),
                        strict=True))  # fmt: skip
        assert key not in reached
        reached[key] = sum(emissions[t, tag] for t, tag in enumerate(path))
    assert reached.keys() == by_entities.keys()
    for key, score in reached.items():
        assert score == pytest.approx(by_entities[key], abs=1e-12)


def test_head_rows_of_tags_that_the_checkpoint_lacks() -> None:
    parsed = parse("B-PER", "O", "B-LOC", "I-LOC")
    assert parsed.head_rows(TagScheme("BIO", parsed.labels)).tolist() == [1, 0, NO_ROW, 2, 3]
    bilou = parsed.head_rows(TagScheme("BILOU", parsed.labels))
    assert bilou.tolist() == [1, 0, NO_ROW, NO_ROW, 0, 2, 3, 3, 2]


def test_head_rows_refuse_bio_for_a_checkpoint_with_closing_tags() -> None:
    parsed = parse("O", "B-PER", "I-PER", "E-PER", "S-PER")
    with pytest.raises(ValueError, match='set tag_scheme = "BILOU"'):
        parsed.head_rows(TagScheme("BIO", parsed.labels))


@pytest.mark.parametrize("name", ["BIO", "BILOU"])
def test_adjacent_is_where_one_label_ends_and_begins(name: str) -> None:
    scheme = TagScheme(name, ["A", "B"])
    ids = range(scheme.n_tags)
    for before, after in itertools.product(ids, ids):
        (left, one), (right, other) = tag_of(scheme, before), tag_of(scheme, after)
        closes = left in ("LU" if name == "BILOU" else "BI")
        assert adjacent(scheme)[before, after] == (closes and right in "BU" and one == other)


# Heads


def small_bert() -> PreTrainedModel:
    config = AutoConfig.for_model(
        "bert",
        vocab_size=20,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    return AutoModelForTokenClassification.from_config(config)


def test_classifier_is_the_models_own() -> None:
    model = small_bert()
    encoder, classifier = TransformerEncoder.from_token_classifier(model)
    assert classifier is model.classifier
    assert encoder.model is model.base_model
    assert encoder.prediction_head is None
    assert "prediction_head" not in encoder.config


def test_head_of_other_layers_is_refused() -> None:
    model = small_bert()
    model.classifier = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 2))
    with pytest.raises(ValueError, match=r"can.t be taken over: its parts are classifier, and"):
        TransformerEncoder.from_token_classifier(model)
    model = small_bert()
    model.lstm = nn.LSTM(16, 16)
    with pytest.raises(ValueError, match="its parts are classifier, lstm"):
        TransformerEncoder.from_token_classifier(model)


def scale_logits(module: nn.Module, inputs: Any, output: Any) -> Any:
    output.logits = output.logits * 2
    return output


def test_head_that_does_more_than_its_parts_say_is_refused() -> None:
    model = small_bert()
    model.register_forward_hook(scale_logits)
    with pytest.raises(ValueError, match="it does more than it seems to"):
        TransformerEncoder.from_token_classifier(model)
