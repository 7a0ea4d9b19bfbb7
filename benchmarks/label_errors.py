"""Likely label errors of CoNLL-2003: how many of the first ones are errors.

    python benchmarks/label_errors.py FOLDER --encoder assets/encoder

FOLDER holds eng.train, eng.testa and eng.testb (the corpus may not be redistributed, so it does
not come with this project). Models are cross-validated over all three, and what they read otherwise
in eng.testb is put in order: by spans, as the audit does; by tokens, as cleanlab does with the same
models' probabilities; and at random, all that is annotated or read. `--judge-sheet FILE` writes
some of each list, shuffled and without what the models read, for somebody to judge who does not
know the lists; `--judgements FILE` says how many of each list are errors, from the verdicts in the
copy of the sheet, and writes them without the text to `--save`. The verdicts of the first sheet are
in label_errors_conll2003.tsv, and are scored where no others are given.
"""

import argparse
import csv
import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from spacy.tokens import Doc, Span
from spacy.util import load_model

from spacy_ner_plus.audit.audited import AuditedCorpus, AuditedText, read_corpus
from spacy_ner_plus.audit.label_errors.cross_validated import PLAN, cross_validated_readings
from spacy_ner_plus.audit.label_errors.find import label_errors
from spacy_ner_plus.audit.label_errors.judges import Folds
from spacy_ner_plus.data.blank_pipeline import blank_pipeline
from spacy_ner_plus.data.corpus import unannotated
from spacy_ner_plus.pipeline.capabilities import SecondReading
from spacy_ner_plus.tags import TagScheme

ROOT = Path(__file__).parent.parent
SPLITS = {"train": "eng.train", "dev": "eng.testa", "test": "eng.testb"}
JUDGED = Path(__file__).parent / "label_errors_conll2003.tsv"
SPANS, TOKENS, CHANCE = "spans, ours", "tokens, cleanlab", "at random"
# Of each list's ranks from the first number on to the second: how many are judged.
STRATA = {
    SPANS: ((0, 50, 50), (50, 100, 25), (100, 200, 25)),
    TOKENS: ((0, 50, 50), (50, 100, 25), (100, 200, 25)),
    CHANCE: ((0, 50, 50),),
}
CUTS = (50, 100, 200)
VERDICTS = ("error", "correct", "debatable")
KEYS = ("document", "start", "end")
HEADER = ("item", *KEYS, "before", "sentence", "after", "in_question", "annotated_as")
JUDGED_HEADER = (*KEYS, "first_character", "end_character", "annotated_as", "verdict", "reason")


class TABS(csv.excel_tab):
    """Cells as they are: none has a tab or a line break."""

    lineterminator = "\n"
    quoting = csv.QUOTE_NONE
    quotechar = None


@dataclass(frozen=True, order=True)
class Place:
    """What is judged: a stretch of a document of eng.testb.

    document (int): Its number, from 0. start, end (int): Its tokens, end exclusive.
    """

    document: int
    start: int
    end: int


def main() -> None:
    args = parse_args()
    corpus = read_corpus(
        {name: args.folder / file for name, file in SPLITS.items()}, blank_pipeline("en", None)
    )
    readings = cross_validated_readings(corpus, folds(args, corpus))
    lists = make_lists(args, corpus, readings)
    tests = corpus.parts["test"].annotated
    if args.judge_sheet:
        n = write_sheet(args.judge_sheet, lists, tests, args.seed)
        print(f"Wrote {n} places to judge to {args.judge_sheet}")
        return
    path = args.judgements or JUDGED
    verdicts = read_verdicts(path) if args.judgements or path.exists() else {}
    if args.save:
        save_verdicts(args.save, verdicts, tests)
    said = {place: verdict for place, (verdict, _) in verdicts.items()}
    print_table(lists, said, args.seed)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--encoder", default=str(ROOT / "assets" / "encoder"))
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-words", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--judge-sheet", type=Path, help="write what is to be judged")
    parser.add_argument("--judgements", type=Path, help="the sheet with verdict and reason")
    parser.add_argument("--save", type=Path, help="write the verdicts without the text")
    parser.add_argument("--output", type=Path, default=Path("training/label_errors"))
    return parser.parse_args()


def folds(args: argparse.Namespace, corpus: AuditedCorpus) -> Folds:
    words = sum(len(text.doc) for text in corpus.texts())
    steps_a_pass = round(words * (1 - 1 / args.folds) * 0.9 / args.batch_words)
    n_steps = args.epochs * steps_a_pass
    return Folds(
        args.output,
        args.folds,
        config=ROOT / "configs" / "cpu.cfg",
        overrides={
            "paths.encoder": args.encoder,
            "system.seed": args.seed,
            "training.max_steps": n_steps,
            "training.eval_frequency": steps_a_pass,
            "training.batcher.size": args.batch_words,
            "training.optimizer.learn_rate.warmup_steps": n_steps // 10,
            "training.optimizer.learn_rate.total_steps": n_steps,
        },
        seed=args.seed,
        keep_models=True,
    )


def make_lists(
    args: argparse.Namespace, corpus: AuditedCorpus, readings: Sequence[SecondReading]
) -> dict[str, list[Place]]:
    """The places of eng.testb in each order. Of tokens, several may be one place."""
    texts = list(corpus.texts())
    found = label_errors(texts, readings, "folds")
    numbers = {id(text): i for i, text in enumerate(corpus.parts["test"].annotated)}
    read = {numbers[id(t)]: r for t, r in zip(texts, readings, strict=True) if id(t) in numbers}
    tests = corpus.parts["test"].annotated
    ours = [
        place_at(tests, one.occurrence.number, one.occurrence.start, one.occurrence.end)
        for one in found.findings
        if one.occurrence.part == "test"
    ]
    natural = {i: list(places_of(i, tests[i].doc, read[i])) for i in sorted(read)}
    chance = [place for places in natural.values() for place in places]
    random.Random(args.seed).shuffle(chance)
    tokens = [
        next((p for p in natural[i] if p.start <= token < p.end), Place(i, token, token + 1))
        for i, token in cleanlab_order(args, corpus)
    ]
    return {SPANS: ours, TOKENS: tokens, CHANCE: chance}


def place_at(tests: Sequence[AuditedText], number: int, start: int, end: int) -> Place:
    span = tests[number].doc.char_span(start, end)
    assert span is not None  # findings are made of tokens
    return Place(number, span.start, span.end)


def places_of(number: int, doc: Doc, reading: SecondReading) -> Iterator[Place]:
    """All that is annotated or read: where both differ, the stretch; else the entity."""
    taken = set()
    for one in reading.disagreements:
        taken |= set(range(one.start, one.end))
        yield Place(number, one.start, one.end)
    for ent in doc.ents:
        if ent.start not in taken:
            yield Place(number, ent.start, ent.end)


def cleanlab_order(args: argparse.Namespace, corpus: AuditedCorpus) -> list[tuple[int, int]]:
    """Documents and tokens of eng.testb, from cleanlab's likeliest issue on."""
    from cleanlab.token_classification.filter import find_label_issues

    labels, probabilities = tag_probabilities(args, corpus)
    issues = find_label_issues(labels, probabilities, return_indices_ranked_by="self_confidence")
    return [(int(document), int(token)) for document, token in issues]


def tag_probabilities(
    args: argparse.Namespace, corpus: AuditedCorpus
) -> tuple[list[list[int]], list[np.ndarray]]:
    """The tags of the documents of eng.testb, and the probabilities that their models give them."""
    texts = list(corpus.texts())
    docs = {i: text.doc for i, text in enumerate(texts) if text.part == "test"}
    scheme = TagScheme("BILOU", corpus.labels)
    cache = args.output / "tag_probabilities.npz"
    if not cache.exists():
        arrays: dict[str, Any] = dict(compute_tag_probabilities(args, docs, scheme))
        np.savez(cache, **arrays)
    found = np.load(cache)
    tags = [
        scheme.encode([(e.start, e.end, e.label_) for e in doc.ents], len(doc)).tolist()
        for doc in docs.values()
    ]
    return tags, [found[str(i)] for i in docs]


def compute_tag_probabilities(
    args: argparse.Namespace, docs: Mapping[int, Doc], scheme: TagScheme
) -> Iterator[tuple[str, np.ndarray]]:
    """Of each document (n_tokens, n_tags), from the model that has not seen it."""
    plan = json.loads((args.output / PLAN).read_text(encoding="utf8"))
    for run in plan["runs"]:
        nlp = load_model(args.output / run["name"] / "model-best")
        ner: Any = nlp.get_pipe("ner_plus")
        for i in (one for one in run["test"] if one in docs):
            its = ner.tag_probabilities(unannotated(nlp, docs[i]))
            yield str(i), its.probabilities[:, [its.tags.index(tag) for tag in scheme.tags]]


def write_sheet(
    path: Path, lists: Mapping[str, Sequence[Place]], tests: Sequence[AuditedText], seed: int
) -> int:
    """Write places of all lists, shuffled. What is in several lists is there once."""
    samples = sampled(lists, seed)
    chosen = sorted({place for strata in samples.values() for one in strata for place in one})
    random.Random(seed).shuffle(chosen)
    with path.open("w", encoding="utf8", newline="") as file:
        rows = csv.writer(file, TABS)
        rows.writerow([*HEADER, "verdict", "reason"])
        for item, place in enumerate(chosen, start=1):
            rows.writerow([item, *vars(place).values(), *shown(place, tests), "", ""])
    return len(chosen)


def sampled(lists: Mapping[str, Sequence[Place]], seed: int) -> dict[str, list[list[Place]]]:
    """Some places of each stratum of each list."""
    rng = random.Random(seed)
    return {
        name: [
            rng.sample(own := list(places[first:last]), min(n, len(own)))
            for first, last, n in STRATA[name]
        ]
        for name, places in lists.items()
    }


def shown(place: Place, tests: Sequence[AuditedText]) -> list[str]:
    """The sentence of a place and those around it, with the annotation; and what is in question."""
    doc = tests[place.document].doc
    sentences = list(doc.sents)
    touched = [i for i, s in enumerate(sentences) if s.start < place.end and place.start < s.end]
    before, after = sentences[: touched[0]][-1:], sentences[touched[-1] + 1 :][:1]
    own = doc[sentences[touched[0]].start : sentences[touched[-1]].end]
    stretch = doc[place.start : place.end]
    annotated = [f"{ent.text} = {ent.label_}" for ent in stretch.ents]
    return [
        *(" ".join(marked(one, place) for one in some) for some in (before, [own], after)),
        one_line(stretch.text),
        one_line("; ".join(annotated) or "no entity"),
    ]


def marked(span: Span, place: Place) -> str:
    """A sentence with its entities in brackets, and what is in question between arrows."""
    words = {token.i: token.text for token in span}
    for ent in span.ents:
        words[ent.start] = "[" + words[ent.start]
        words[ent.end - 1] += f"]{ent.label_}"
    if span.start <= place.start < span.end:
        words[place.start] = ">>" + words[place.start]
        words[place.end - 1] += "<<"
    return one_line(" ".join(words.values()))


def one_line(text: str) -> str:
    return " ".join(text.split())


def read_verdicts(path: Path) -> dict[Place, tuple[str, str]]:
    """Verdict and reason of each place, from a judged sheet or from what was saved of one."""
    found = {}
    with path.open(encoding="utf8", newline="") as file:
        for row in csv.DictReader(file, dialect=TABS):
            verdict = row["verdict"].strip().lower()
            if verdict not in VERDICTS:
                raise ValueError(f"{path}: the verdict of {row} must be one of {VERDICTS}.")
            place = Place(*(int(row[key]) for key in KEYS))
            found[place] = (verdict, row["reason"].strip())
    return found


def save_verdicts(
    path: Path, verdicts: Mapping[Place, tuple[str, str]], tests: Sequence[AuditedText]
) -> None:
    """Write the verdicts with their places, and nothing of the text."""
    with path.open("w", encoding="utf8", newline="") as file:
        rows = csv.writer(file, TABS)
        rows.writerow(JUDGED_HEADER)
        for place, (verdict, reason) in sorted(verdicts.items()):
            stretch = tests[place.document].doc[place.start : place.end]
            labels = " ".join(ent.label_ for ent in stretch.ents) or "O"
            characters = (stretch.start_char, stretch.end_char)
            rows.writerow([*vars(place).values(), *characters, labels, verdict, reason])


def print_table(
    lists: Mapping[str, Sequence[Place]], verdicts: Mapping[Place, str], seed: int
) -> None:
    """Precision at 50, 100 and 200, and with what is debatable, each with its 95 % interval."""
    samples = sampled(lists, seed)
    header = ("errors in the first", *map(str, CUTS), "50, or debatable", "judged")
    print(("{:20}" + "{:>14}" * len(CUTS) + "{:>18}{:>10}").format(*header))
    for name, places in lists.items():
        own = [place for stratum in samples[name] for place in stratum]
        judged = [place for place in own if place in verdicts]
        cells = [precision(name, places, samples[name], verdicts, n, ("error",)) for n in CUTS]
        cells.append(precision(name, places, samples[name], verdicts, 50, ("error", "debatable")))
        row = (name, *cells, f"{len(judged)}/{len(own)}")
        print(("{:20}" + "{:>14}" * len(CUTS) + "{:>18}{:>10}").format(*row))
    print(f"The first 50 tokens of cleanlab are at {len(set(lists[TOKENS][:50]))} places.")


def precision(
    name: str,
    places: Sequence[Place],
    samples: Sequence[Sequence[Place]],
    verdicts: Mapping[Place, str],
    n: int,
    wrong: Sequence[str],
) -> str:
    """The share of the first n places that are errors, and half its 95 % interval.

    Each stratum counts by its size.
    """
    share = variance = 0.0
    n = min(n, len(places))
    for (first, last, _), sample in zip(STRATA[name], samples, strict=True):
        size = min(last, n) - first
        judged = [verdicts[place] in wrong for place in sample if place in verdicts]
        if size <= 0:
            break
        if not judged:
            return ""
        mean, weight = sum(judged) / len(judged), size / n
        share += weight * mean
        variance += weight**2 * mean * (1 - mean) / len(judged)
    return f"{share:.2f} ±{1.96 * math.sqrt(variance):.2f}" if n <= STRATA[name][-1][1] else ""


if __name__ == "__main__":
    main()
