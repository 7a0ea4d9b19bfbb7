import copy
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.training import biluo_tags_to_offsets, biluo_to_iob, iob_to_biluo, offsets_to_biluo_tags
from spacy.vocab import Vocab

from spacy_ner_plus.tags import TagScheme

LABELS = ["PER", "creative-work", "B-I"]
NAMES = ["BIO", "BILOU"]


def all_span_sets(n_tokens, labels, start=0):
    """Every set of spans that do not overlap, as lists from left to right."""
    yield []
    for first in range(start, n_tokens):
        for end in range(first + 1, n_tokens + 1):
            for label in labels:
                for rest in all_span_sets(n_tokens, labels, end):
                    yield [(first, end, label), *rest]


@st.composite
def span_sets(draw, labels=LABELS, max_tokens=60):
    n_tokens = draw(st.integers(0, max_tokens))
    cuts = sorted(draw(st.sets(st.integers(0, n_tokens), max_size=12)))
    choices = draw(
        st.lists(st.sampled_from([None, *labels]), min_size=len(cuts), max_size=len(cuts))
    )
    spans = zip(itertools.pairwise(cuts), choices, strict=False)
    return n_tokens, [(start, end, label) for (start, end), label in spans if label]


def decode_spans(scheme, tag_ids):
    starts, ends, label_ids = scheme.decode(tag_ids)
    assert starts.dtype == ends.dtype == label_ids.dtype == np.int64
    return [
        (start, end, scheme.labels[label])
        for start, end, label in zip(
            starts.tolist(), ends.tolist(), label_ids.tolist(), strict=True
        )
    ]


def may_follow(before, after, name):
    """Whether one tag may follow another, by the schemes' definition; None is the edge."""
    before_opens = before is not None and before[0] in "BI"
    if after is not None and after[0] in "IL":
        return before_opens and before[2:] == after[2:]
    return not (name == "BILOU" and before_opens)  # BILOU spans of two or more end with L


def is_valid(scheme, tag_ids):
    if not len(tag_ids):
        return True
    return bool(
        scheme.starts[tag_ids[0]]
        and scheme.transitions[tag_ids[:-1], tag_ids[1:]].all()
        and scheme.ends[tag_ids[-1]]
    )


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("BIO", ("O", "B-X", "I-X", "B-a-b", "I-a-b")),
        ("BILOU", ("O", "B-X", "I-X", "L-X", "U-X", "B-a-b", "I-a-b", "L-a-b", "U-a-b")),
    ],
)
def test_scheme_orders_tags_label_by_label(name, tags):
    scheme = TagScheme(name, ["X", "a-b"])
    assert scheme.tags == tags
    assert scheme.n_tags == len(tags)
    assert scheme.labels == ("X", "a-b")
    roles = {"BIO": "BIIB", "BILOU": "BILU"}[name]
    arrays = (scheme.first, scheme.inside, scheme.last, scheme.unit)
    for array, prefix in zip(arrays, roles, strict=True):
        assert array.dtype == np.int64
        assert [tags[i] for i in array] == [f"{prefix}-X", f"{prefix}-a-b"]


@pytest.mark.parametrize("name", NAMES)
def test_scheme_without_labels_has_one_tag(name):
    scheme = TagScheme(name, [])
    assert scheme.tags == ("O",)
    assert scheme.first.shape == scheme.unit.shape == (0,)
    assert scheme.transitions.tolist() == [[True]]
    assert scheme.encode([], 3).tolist() == [0, 0, 0]
    assert decode_spans(scheme, np.zeros(3, dtype=np.int64)) == []


@pytest.mark.parametrize("name", NAMES)
def test_masks_equal_the_definition_in_words(name):
    scheme = TagScheme(name, LABELS)
    for i, before in enumerate(scheme.tags):
        assert scheme.starts[i] == may_follow(None, before, name)
        assert scheme.ends[i] == may_follow(before, None, name)
        for j, after in enumerate(scheme.tags):
            assert scheme.transitions[i, j] == may_follow(before, after, name), (before, after)


@pytest.mark.parametrize("name", NAMES)
def test_masks_permit_exactly_the_encodings_of_span_sets(name):
    scheme = TagScheme(name, ["X", "Y"])
    for n_tokens in range(5):
        encoded = {tuple(scheme.encode(s, n_tokens)) for s in all_span_sets(n_tokens, "XY")}
        sequences = itertools.product(range(scheme.n_tags), repeat=n_tokens)
        valid = {s for s in sequences if is_valid(scheme, np.array(s, dtype=np.int64))}
        assert encoded == valid


@pytest.mark.parametrize("name", NAMES)
def test_decode_is_the_inverse_of_encode_for_all_small_span_sets(name):
    scheme = TagScheme(name, ["X", "Y"])
    for n_tokens in range(6):
        for spans in all_span_sets(n_tokens, "XY"):
            assert decode_spans(scheme, scheme.encode(reversed(spans), n_tokens)) == spans


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(case=span_sets())
def test_decode_is_the_inverse_of_encode(name, case):
    n_tokens, spans = case
    scheme = TagScheme(name, LABELS)
    tag_ids = scheme.encode(spans, n_tokens)
    assert tag_ids.shape == (n_tokens,)
    assert tag_ids.dtype == np.int64
    assert is_valid(scheme, tag_ids)
    assert decode_spans(scheme, tag_ids) == spans


@pytest.mark.parametrize("name", NAMES)
def test_decode_refuses_every_invalid_sequence(name):
    scheme = TagScheme(name, ["X", "Y"])
    for sequence in itertools.product(range(scheme.n_tags), repeat=3):
        tag_ids = np.array(sequence)
        if is_valid(scheme, tag_ids):
            assert scheme.encode(decode_spans(scheme, tag_ids), 3).tolist() == list(sequence)
        else:
            with pytest.raises(ValueError, match="can't"):
                scheme.decode(tag_ids)


def test_decode_names_the_token_of_an_invalid_sequence():
    scheme = TagScheme("BILOU", ["X"])
    with pytest.raises(ValueError, match=r"L-X \(token 2\) can't follow O in BILOU"):
        scheme.decode(np.array([0, 0, 3]))
    with pytest.raises(ValueError, match=r"can't start with I-X \(token 0\)"):
        scheme.decode(np.array([2, 3]))
    with pytest.raises(ValueError, match=r"can't end with B-X \(token 1\)"):
        scheme.decode(np.array([0, 1]))


@pytest.mark.parametrize(
    ("tag_ids", "message"),
    [([0, 5], "in 0..4, got 0 to 5"), ([-1], "in 0..4"), ([0.0], "integers"), ([[0]], "one row")],
)
def test_decode_refuses_what_is_not_a_row_of_tag_ids(tag_ids, message):
    with pytest.raises(ValueError, match=message):
        TagScheme("BILOU", ["X"]).decode(np.array(tag_ids))


def test_decode_takes_an_empty_sequence_and_narrow_integers():
    scheme = TagScheme("BIO", LABELS)
    assert decode_spans(scheme, np.array([])) == []
    assert decode_spans(scheme, np.array([1, 2, 0, 5], dtype=np.uint8)) == [
        (0, 2, "PER"),
        (3, 4, "B-I"),
    ]


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([(0, 2, "PER"), (1, 3, "PER")], r"\(1, 3, 'PER'\) overlaps another one at token 1"),
        ([(0, 4, "PER"), (1, 2, "B-I")], "overlaps another one at token 1"),
        ([(1, 1, "PER")], "empty or not within the 4 tokens"),
        ([(-1, 1, "PER")], "not within"),
        ([(3, 5, "PER")], "not within"),
        ([(0, 1, "LOC")], "label that is not among"),
    ],
)
def test_encode_refuses_bad_spans(spans, message):
    with pytest.raises(ValueError, match=message):
        TagScheme("BIO", LABELS).encode(spans, 4)


@pytest.mark.parametrize(
    ("name", "labels", "message"),
    [
        ("BIOES", ["X"], "Unknown tag scheme 'BIOES'"),
        ("BIO", ["X", ""], "Label 1 is ''"),
        ("BIO", ["X", "Y", "X"], r"repeated: \['X'\]"),
        ("BIO", "XY", "list of strings"),
    ],
)
def test_scheme_refuses_bad_labels(name, labels, message):
    with pytest.raises(ValueError, match=message):
        TagScheme(name, labels)


def test_scheme_is_immutable_and_copies():
    scheme = TagScheme("BILOU", LABELS)
    with pytest.raises(AttributeError):
        scheme.name = "BIO"
    for other in (scheme, copy.deepcopy(scheme), pickle.loads(pickle.dumps(scheme))):
        assert other == scheme
        assert hash(other) == hash(scheme)
        with pytest.raises(ValueError, match="read-only"):
            other.transitions[0, 0] = False
    assert scheme != TagScheme("BIO", LABELS)
    assert scheme != TagScheme("BILOU", LABELS[::-1])


@settings(deadline=None)
@given(case=span_sets(max_tokens=20))
def test_tags_equal_those_of_spacy(case):
    n_tokens, spans = case
    doc = Doc(Vocab(), words=["w"] * n_tokens)
    offsets = [(2 * start, 2 * end - 1, label) for start, end, label in spans]
    schemes = {name: TagScheme(name, LABELS) for name in NAMES}
    tags = {
        name: [scheme.tags[i] for i in scheme.encode(spans, n_tokens)]
        for name, scheme in schemes.items()
    }
    assert tags["BILOU"] == offsets_to_biluo_tags(doc, offsets)
    assert tags["BIO"] == biluo_to_iob(tags["BILOU"])
    assert tags["BILOU"] == iob_to_biluo(tags["BIO"])
    assert offsets == biluo_tags_to_offsets(doc, tags["BILOU"])


def test_more_labels_than_can_be_told_apart_are_refused() -> None:
    assert TagScheme("BILOU", [str(i) for i in range(300)]).n_tags == 1201
    with pytest.raises(ValueError, match=r"5,001 labels are more than the 5,000 that BILOU .*'0'"):
        TagScheme("BILOU", [str(i) for i in range(5001)])


def test_repeated_labels_among_many_are_named() -> None:
    with pytest.raises(ValueError, match=r"repeated: \['7'\]"):
        TagScheme("BIO", [*(str(i) for i in range(5000)), "7"])
