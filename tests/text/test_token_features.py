"""Hand-written features against a naive computation, token by token."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.annotation.rule_hits import RuleHit, set_rule_hits
from spacy_ner_plus.text.feature_index import EDGE_NAME, FeatureIndex
from spacy_ner_plus.text.feature_templates import FeatureTemplate, read_templates
from spacy_ner_plus.text.token_features import TokenFeatures
from spacy_ner_plus.text.word_clusters import WordClusters

VOCAB = spacy.blank("en").vocab
CLUSTERS = WordClusters({"Paris": "001011", "in": "110", "aa": "0"})
NAMES = [
    "lower[-2..2]",
    "word",
    "prefix1[1]",
    "prefix3",
    "suffix2",
    "shape",
    "short_shape[-1]",
    "casing[1]",
    "digits",
    "cluster4[-1..0]",
    "cluster20",
    "capitals",
    "sentence[1]",
    "tag",
    "lower[-1]+lower",
    "short_shape[-2]+capitals+cluster4[3]",
]
TEMPLATES = read_templates(NAMES)
WORDS = ["Paris", "in", "IN", "aa", "AAAAAA-1", "1998", "12.5", "a1", "McNeil", "x", ",", " ", "\n"]
SENTENCES = st.lists(st.sampled_from(WORDS), max_size=14)
DOCS = st.lists(SENTENCES, min_size=1, max_size=4)


def make_doc(words: list[str]) -> Doc:
    """Every fourth token starts a sentence, and a tag is a word's length."""
    starts = [i % 4 == 0 for i in range(len(words))]
    return Doc(VOCAB, words=words, sent_starts=starts, tags=[f"T{len(w)}" for w in words])


def naive_value(words: list[str], starts: list[bool], at: int, attribute: str) -> str:
    """The value of an attribute of one of the words that are no white space; "" for none."""
    if not 0 <= at < len(words):
        return EDGE_NAME
    word = words[at]
    name, number = re.fullmatch(r"([a-z_]+?)(\d*)", attribute).groups()  # type: ignore[union-attr]
    n = int(number or 0)
    signs = "".join(
        "X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c for c in word
    )
    around = words[max(0, at - 4) : at + 5]
    found: dict[str, object] = {
        "word": word,
        "lower": word.lower(),
        "prefix": word[:n] if len(word) >= n else "",
        "suffix": word[max(0, len(word) - n) :] if len(word) >= n else "",
        "shape": re.sub(r"(.)\1{4,}", r"\1\1\1\1", signs),
        "short_shape": re.sub(r"(.)\1+", r"\1", signs),
        "casing": naive_casing(word),
        "digits": naive_digits(word),
        "cluster": {"Paris": "001011", "in": "110", "IN": "110", "aa": "0"}.get(word, "")[:n],
        "capitals": "" if any(other.islower() for other in around) else "around",
        "sentence": "first" if starts[at] else "",
        "tag": f"T{len(word)}",
    }
    return str(found[name])


def naive_casing(word: str) -> str:
    expected = {"Paris": "title", "IN": "capitals", "AAAAAA-1": "capitals", "McNeil": "mixed"}
    if word in expected:
        return expected[word]
    return "lower" if re.search("[a-z]", word) else "no letters"


def naive_digits(word: str) -> str:
    expected = {"1998": "4 digits", "12.5": "digits and .", "a1": "digits and others"}
    return expected.get(word, "digits and others" if word == "AAAAAA-1" else "")


def naive_features(doc: Doc, templates: Sequence[FeatureTemplate]) -> list[list[str]]:
    """What each token has of each template, such as "lower=the"; "" for nothing."""
    tokens = [token for token in doc if not token.is_space]
    words, starts = [t.text for t in tokens], [t.i % 4 == 0 for t in tokens]
    rows = []
    for at in range(len(words)):
        row = []
        for template in templates:
            values = [
                naive_value(words, starts, at + term.offset, term.attribute)
                for term in template.terms
            ]
            row.append(f"{template}={'+'.join(values)}" if all(values) else "")
        rows.append(row)
    return rows


def learn(docs: list[Doc], min_freq: int = 1) -> tuple[FeatureIndex, np.ndarray]:
    """The index of all features of some Docs, and their rows in it."""
    reader = TokenFeatures(TEMPLATES, CLUSTERS, None)
    tokens = reader.read(docs)
    empty = FeatureIndex.empty(TEMPLATES)
    index = FeatureIndex(TEMPLATES, reader.values, empty.keys).with_keys(tokens, min_freq)
    return index, index.rows(tokens)


@given(DOCS)
def test_features_are_those_of_a_naive_computation(texts: list[list[str]]) -> None:
    docs = [make_doc(words) for words in texts]
    index, rows = learn(docs)
    expected = [row for doc in docs for row in naive_features(doc, TEMPLATES)]
    assert named_or_empty(index, rows) == expected


def named_or_empty(index: FeatureIndex, rows: np.ndarray) -> list[list[str]]:
    """The names of the features of each token, "" where it has none."""
    none = index.none_rows()
    found = []
    for row in rows:
        own = row != none
        names = iter(index.names(row[own]))
        found.append([next(names) if has_it else "" for has_it in own])
    return found


@given(DOCS, DOCS)
def test_unknown_values_are_none_and_known_ones_stay(
    known: list[list[str]], texts: list[list[str]]
) -> None:
    docs = [make_doc(words) for words in known]
    index, _ = learn(docs)
    seen = {name for doc in docs for row in naive_features(doc, TEMPLATES) for name in row}
    reader = TokenFeatures(TEMPLATES, CLUSTERS, index.values)
    others = [make_doc(words) for words in texts]
    found = named_or_empty(index, index.rows(reader.read(others)))
    expected = [row for doc in others for row in naive_features(doc, TEMPLATES)]
    for names, wanted in zip(found, expected, strict=True):
        for template, name, want in zip(TEMPLATES, names, wanted, strict=True):
            if want in seen:
                assert name == want
            elif name:  # the value is known, of another place
                assert name == want
                assert len(template.terms) == 1


@given(DOCS, st.integers(1, 3))
def test_a_reader_that_forgets_words_reads_the_same(texts: list[list[str]], most: int) -> None:
    docs = [make_doc(words) for words in texts]
    index, rows = learn(docs)
    reader = TokenFeatures(TEMPLATES, CLUSTERS, index.values, max_words=most)
    alone = [index.rows(reader.read([doc])) for doc in docs]
    np.testing.assert_array_equal(np.concatenate(alone), rows)
    assert reader.generation >= 1


@given(DOCS, st.integers(1, 4))
def test_joint_features_that_few_tokens_have_are_unknown(
    texts: list[list[str]], min_freq: int
) -> None:
    docs = [make_doc(words) for words in texts]
    index, _ = learn(docs, min_freq)
    counts = Counter(n for doc in docs for row in naive_features(doc, TEMPLATES) for n in row if n)
    for template in index.joint:
        frequent = {n for n, c in counts.items() if c >= min_freq and n.startswith(f"{template}=")}
        assert len(index.key_tables[template]) == len(frequent)


@given(DOCS, st.randoms(use_true_random=False))
def test_chosen_features_keep_their_names(texts: list[list[str]], random: object) -> None:
    docs = [make_doc(words) for words in texts]
    index, rows = learn(docs)
    rng = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
    is_wanted = rng.random(index.n_rows) < 0.4
    is_wanted[index.none_rows()] = False
    kept, old_rows = index.chosen(is_wanted)
    kept.check()
    assert len(old_rows) == kept.n_rows
    assert set(np.flatnonzero(is_wanted)) <= set(old_rows.tolist())
    reader = TokenFeatures(TEMPLATES, CLUSTERS, kept.values)
    found = kept.rows(reader.read(docs))
    back = old_rows[found]  # (n_rows, n_templates) in the rows of the old index
    np.testing.assert_array_equal(back[is_wanted[rows]], rows[is_wanted[rows]])
    none = np.broadcast_to(index.none_rows(), rows.shape)
    assert ((back == rows) | (back == none)).all()  # nothing came to be something else


def test_nothing_is_seen_of_another_document() -> None:
    docs = [make_doc(["Paris"]), make_doc([]), make_doc([" "]), make_doc(["in", "x"])]
    _, rows = learn(docs)
    for i, alone in enumerate([[0], [], [], [1, 2]]):
        index, own = learn([docs[i]])
        full_index, _ = learn(docs)
        assert named_or_empty(index, own) == named_or_empty(full_index, rows[alone])


# Rules


def test_hits_of_rules_are_read() -> None:
    doc = Doc(VOCAB, words=["New", "York", "Times", "in", "York"])
    hits = [
        (0, 8, "LOC", "hard"),
        (0, 14, "ORG", "soft"),
        (4, 14, "ORG", "soft"),  # shorter than the one before it
        (18, 22, "LOC", "hard"),
        (15, 17, "LOC", "block"),
        (1, 8, "PER", "hard"),  # begins inside of a token
    ]
    set_rule_hits(doc, "rules", [RuleHit(*hit, 0.0, "r", "") for hit in hits])
    templates = read_templates(["rules[-1..0]"])
    reader = TokenFeatures(templates, None, None)
    tokens = reader.read([Doc(VOCAB, words=["a"]), doc])
    index = FeatureIndex(templates, reader.values, ())
    assert named_or_empty(index, index.rows(tokens))[1:] == [
        ["rules[-1]=(edge)", "rules=B-LOC B-ORG"],
        ["rules[-1]=B-LOC B-ORG", "rules=L-LOC I-ORG"],
        ["rules[-1]=L-LOC I-ORG", "rules=L-ORG"],
        ["rules[-1]=L-ORG", ""],
        ["", "rules=U-LOC"],
    ]


# Names


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("lower", ["lower"]),
        ("lower[0]", ["lower"]),
        ("suffix12[-1..1]", ["suffix12[-1]", "suffix12", "suffix12[1]"]),
        ("lower[-1] + cluster6[2]", ["lower[-1]+cluster6[2]"]),
    ],
)
def test_names_are_read(name: str, read: list[str]) -> None:
    assert list(map(str, read_templates([name]))) == read


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("lower", "must be a list"),
        ([], "must be a list"),
        ([3], "is no name"),
        (["size"], "'size' is unknown"),
        (["lower3"], "'lower3' is unknown"),
        (["prefix"], "'prefix' is unknown"),
        (["prefix0"], "'prefix0' is unknown"),
        (["lower[+1]"], "unknown"),
        (["lower+"], "'' is unknown"),
        (["lower[11]"], "places are from -10 to 10"),
        (["lower[1..0]"], "begins with its lower end"),
        (["lower[0..1]+shape"], "not of a range"),
        (["lower+shape+word+casing"], "up to 3 attributes"),
        (["lower[-1..1]", "shape", "lower[1]"], r"twice: lower\[1\]"),
    ],
)
def test_wrong_names_are_told(names: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_templates(names)  # type: ignore[arg-type]


def test_too_many_joint_values_are_told() -> None:
    templates = read_templates(["lower+shape+word"])
    values = dict.fromkeys(("lower", "shape", "word"), range(2**21))
    with pytest.raises(ValueError, match="too many values to be joined"):
        FeatureIndex(templates, values, (np.zeros(0, dtype=np.int64),))  # type: ignore[arg-type]


# Clusters


def test_clusters_are_read(tmp_path) -> None:
    path = tmp_path / "clusters.tsv"
    # with the mark that some editors put before all
    path.write_text("Paris\t0010\r\nin\t11\n\n001\tRome\t17\n", encoding="utf-8-sig")
    clusters = WordClusters.read(path)
    assert [clusters.path_of(w) for w in ("Paris", "IN", "Rome", "x")] == ["0010", "11", "001", ""]


@pytest.mark.parametrize(
    ("content", "message"),
    [("Paris 0010\n", "line 1"), ("a\t1\nParis\t\n", "line 2"), ("\n", "no words")],
)
def test_wrong_clusters_are_told(tmp_path, content: str, message: str) -> None:
    path = tmp_path / "clusters.tsv"
    path.write_text(content, encoding="utf8")
    with pytest.raises(ValueError, match=message):
        WordClusters.read(path)
    path.write_bytes("a\t1\nMüller\t0\n".encode("latin-1"))
    with pytest.raises(ValueError, match="line 2: 0xfc is not UTF-8"):
        WordClusters.read(path)
    with pytest.raises(ValueError, match="can't be read"):
        WordClusters.read(tmp_path / "nowhere")
