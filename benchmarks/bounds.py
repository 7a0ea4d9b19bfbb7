"""What within_lines costs and gains: on running text broken into lines, and on lists.

    python benchmarks/bounds.py MODEL assets/bc5cdr-columns/test.tsv

MODEL is a trained pipeline with ner_plus, TEXTS an annotated file. "wrapped" is its text with a
line break in place of the last blank before each 80th column. "lists" are two of its entities of
one document, a line each. Each is read with each setting; scores are of exact entities.
"""

import argparse
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import spacy
from spacy.language import Language

import spacy_ner_plus
from spacy_ner_plus.metrics.spans import count_spans, scores_of

Span = tuple[int, int, str]
Text = tuple[str, list[Span]]
COLUMNS = 80


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--group", type=int, default=8, help="sentences in a text")
    parser.add_argument("--component", default="ner_plus")
    args = parser.parse_args()
    options = {"group": args.group} if args.texts.suffix == ".tsv" else {}
    plain = [
        (record.text, [(span.start, span.end, span.label) for span in record.spans or ()])
        for record in spacy_ner_plus.read(args.texts, **options)
    ]
    print(f"{'texts':<10}{'gold':>8}{'across':>8}{'within_lines':>14}{'P':>8}{'R':>8}{'F1':>8}")
    corpora = {"plain": plain, "wrapped": list(map(wrapped, plain)), "lists": list(lists(plain))}
    for name, texts in corpora.items():
        gold = [span for _, spans in texts for span in spans]
        across = sum("\n" in text[start:end] for text, spans in texts for start, end, _ in spans)
        for setting in ("never", "always", "auto"):
            override = {f"components.{args.component}.within_lines": setting}
            nlp = spacy.load(args.model, config=override)
            row = "".join(f"{100 * value:>8.2f}" for value in scores(nlp, texts))
            print(f"{name:<10}{len(gold):>8,}{across:>8,}{setting:>14}{row}")


def wrapped(text: Text) -> Text:
    """Line breaks in place of blanks: lines are no longer than COLUMNS where they can be."""
    characters, spans = list(text[0]), text[1]
    begin, blank = 0, None
    for at, character in enumerate(text[0]):
        if at - begin >= COLUMNS and blank is not None:
            characters[blank], begin, blank = "\n", blank + 1, None
        if character == " ":
            blank = at
    return "".join(characters), spans


def lists(texts: Iterable[Text]) -> Iterator[Text]:
    """Two entities of a document that follow each other, each on a line of its own."""
    for text, spans in texts:
        for (start, end, label), (other, stop, second) in pairwise(sorted(spans)):
            above, below = text[start:end], text[other:stop]
            if above.lower() != below.lower():
                begin = len(above) + 1
                found = [(0, len(above), label), (begin, begin + len(below), second)]
                yield f"{above}\n{below}", found


def scores(nlp: Language, texts: list[Text]) -> list[float]:
    """Precision, recall and F1."""
    docs = nlp.pipe(text for text, _ in texts)
    predicted = [[(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents] for doc in docs]
    _, counts = count_spans([spans for _, spans in texts], predicted)
    return [float(value) for value in scores_of(counts.sum(axis=0)).micro]


if __name__ == "__main__":
    main()
