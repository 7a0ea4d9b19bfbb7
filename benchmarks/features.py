"""The CRF over hand-written features beside sklearn-crfsuite, on sentences of CoNLL-2003.

    python benchmarks/features.py FOLDER [--clusters clusters.tsv]

FOLDER holds eng.train, eng.testa and eng.testb (the corpus may not be redistributed, so it does
not come with this project). Both learn from the same sentences with the same trainer and settings
(L-BFGS, c1 = c2 = 0.1, 100 iterations). sklearn-crfsuite has the features of its own tutorial,
parts of speech among them; ner_plus_features its default ones, which need none, in BILOU and in
BIO, and with --clusters (see vector_clusters.py) those of word clusters too.

Words/s are those of features and tagging together, from Docs that are tokenised, on one core: ours
with the probabilities of entities, on Docs, as nlp.pipe gives them. All systems take turns in each
round. All seconds are the process's CPU seconds, which other load on the machine leaves alone;
medians of the rounds.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sklearn_crfsuite
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.data.formats.column_tags import read_tags
from spacy_ner_plus.models.architectures.feature_tagger import FEATURES
from spacy_ner_plus.tags import TagScheme

C1, C2, MAX_ITERATIONS = 0.1, 0.1, 100
CLUSTERS = ["cluster2[-1..1]", "cluster8[-2..2]"]
PEER = "sklearn-crfsuite"
SPLITS = {"train": "eng.train", "dev": "eng.testa", "test": "eng.testb"}

Spans = list[tuple[int, int, str]]


@dataclass(frozen=True)
class Sentence:
    """Words with parts of speech and entities."""

    words: list[str]
    pos: list[str]
    spans: Spans


class Ours:
    """A pipeline of ner_plus_features alone."""

    def __init__(self, vocab: Any, scheme: str = "BILOU", clusters: Path | None = None) -> None:
        model: dict[str, Any] = {"features": list(FEATURES)}
        if clusters is not None:
            model = {"features": [*FEATURES, *CLUSTERS], "clusters": str(clusters)}
        self.nlp = Language(vocab)
        training = {"c1": C1, "c2": C2, "max_iterations": MAX_ITERATIONS}
        self.pipe = self.nlp.add_pipe(
            "ner_plus_features", config={"tag_scheme": scheme, "model": model, **training}
        )

    def train(self, sentences: list[Sentence]) -> None:
        examples = [
            Example(make_doc(self.nlp.vocab, s), gold_doc(self.nlp.vocab, s)) for s in sentences
        ]
        self.nlp.initialize(lambda: examples)

    def find(self, docs: list[Doc]) -> list[Spans]:
        return [
            [(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in self.pipe.pipe(docs)
        ]


class Peer:
    """sklearn-crfsuite with the features of its tutorial."""

    def __init__(self) -> None:
        self.crf = sklearn_crfsuite.CRF(
            algorithm="lbfgs",
            c1=C1,
            c2=C2,
            max_iterations=MAX_ITERATIONS,
            all_possible_transitions=True,
        )
        self.pos: dict[int, list[str]] = {}

    def train(self, sentences: list[Sentence]) -> None:
        features = [sentence_features(s.words, s.pos) for s in sentences]
        self.crf.fit(features, [bio_tags(s.spans, len(s.words)) for s in sentences])

    def find(self, docs: list[Doc]) -> list[Spans]:
        found = []
        for doc in docs:
            words, pos = [token.text for token in doc], [token.tag_ for token in doc]
            found.append(spans_of(self.crf.predict_single(sentence_features(words, pos))))
        return found


def sentence_features(words: list[str], pos: list[str]) -> list[dict[str, Any]]:
    """Those of sklearn-crfsuite's tutorial on CoNLL-2002."""
    return [word_features(words, pos, i) for i in range(len(words))]


def word_features(words: list[str], pos: list[str], i: int) -> dict[str, Any]:
    word, tag = words[i], pos[i]
    features = {
        "bias": 1.0,
        "word.lower()": word.lower(),
        "word[-3:]": word[-3:],
        "word[-2:]": word[-2:],
        "word.isupper()": word.isupper(),
        "word.istitle()": word.istitle(),
        "word.isdigit()": word.isdigit(),
        "postag": tag,
        "postag[:2]": tag[:2],
    }
    for sign, there in (("-1:", i - 1), ("+1:", i + 1)):
        if 0 <= there < len(words):
            near, near_tag = words[there], pos[there]
            features |= {
                f"{sign}word.lower()": near.lower(),
                f"{sign}word.istitle()": near.istitle(),
                f"{sign}word.isupper()": near.isupper(),
                f"{sign}postag": near_tag,
                f"{sign}postag[:2]": near_tag[:2],
            }
        else:
            features["BOS" if there < 0 else "EOS"] = True
    return features


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clusters", type=Path, help="word, tab, path of its cluster, each line")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    vocab = spacy.blank("en").vocab
    parts = {name: list(read(args.folder / file)) for name, file in SPLITS.items()}
    systems: dict[str, Callable[[], Ours | Peer]] = {
        PEER: Peer,
        "ner_plus_features": lambda: Ours(vocab),
        "BIO": lambda: Ours(vocab, scheme="BIO"),
    }
    if args.clusters:
        systems["clusters"] = lambda: Ours(vocab, clusters=args.clusters)
    trained, seconds = {}, {}
    for name, make in systems.items():
        trained[name], started = make(), time.process_time()
        trained[name].train(parts["train"])
        seconds[name] = time.process_time() - started
    speeds = measure(trained, parts["test"], vocab, args.rounds)
    print(f"\n{'':20}{'dev F1':>9}{'test F1':>9}{'train s':>9}{'words/s':>10}{'ratio':>7}")
    for name, system in trained.items():
        scores = [f1(system.find(docs_of(vocab, parts[p])), parts[p]) for p in ("dev", "test")]
        print(f"{name:20}{scores[0]:9.2f}{scores[1]:9.2f}{seconds[name]:9.1f}{speeds[name]:10,.0f}"
              f"{speeds[name] / speeds[PEER]:7.2f}")  # fmt: skip


def measure(
    systems: dict[str, Any], sentences: list[Sentence], vocab: Any, rounds: int
) -> dict[str, float]:
    """Words a second of each system."""
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    for _ in range(rounds + 1):  # the first one warms up
        for name, system in systems.items():
            docs = docs_of(vocab, sentences)
            started = time.process_time()
            system.find(docs)
            seconds[name].append(time.process_time() - started)
    n_words = sum(len(sentence.words) for sentence in sentences)
    return {name: n_words / statistics.median(own[1:]) for name, own in seconds.items()}


def read(path: Path) -> Iterator[Sentence]:
    """The sentences of a file of CoNLL-2003, in IOB or BIO."""
    rows: list[list[str]] = []
    for line in [*path.read_text(encoding="utf8").splitlines(), ""]:
        if line.strip() and not line.startswith("-DOCSTART-"):
            rows.append(line.split())
        elif rows:
            words, pos, tags = ([row[i] for row in rows] for i in (0, 1, -1))
            yield Sentence(words, pos, read_tags(tags, "IOB1"))
            rows = []


def make_doc(vocab: Any, sentence: Sentence) -> Doc:
    return Doc(vocab, words=sentence.words, tags=sentence.pos)


def docs_of(vocab: Any, sentences: list[Sentence]) -> list[Doc]:
    return [make_doc(vocab, sentence) for sentence in sentences]


def gold_doc(vocab: Any, sentence: Sentence) -> Doc:
    doc = make_doc(vocab, sentence)
    doc.set_ents([Span(doc, *span) for span in sentence.spans])
    return doc


def bio_tags(spans: Spans, n_words: int) -> list[str]:
    scheme = TagScheme("BIO", sorted({label for _, _, label in spans}))
    return [scheme.tags[tag] for tag in scheme.encode(spans, n_words)]


def spans_of(tags: list[str]) -> Spans:
    """Of BIO tags that need not be valid, as conlleval reads them."""
    return read_tags(tags, "IOB1")


def f1(found: list[Spans], sentences: list[Sentence]) -> float:
    gold = [set(sentence.spans) for sentence in sentences]
    n_right = sum(len(own & set(spans)) for own, spans in zip(gold, found, strict=True))
    return 200 * n_right / max(1, sum(map(len, gold)) + sum(map(len, found)))


if __name__ == "__main__":
    main()
