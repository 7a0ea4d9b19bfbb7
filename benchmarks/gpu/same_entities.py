"""One pipeline on the CPU, on the device, and on the CPU again: whether it finds the same.

It is saved from each place and loaded at the next one.
"""

from pathlib import Path
from typing import Any

import spacy
from spacy.tokens import DocBin

from benchmarks.gpu.results import parser_of, save

Found = list[list[tuple[int, int, str, float]]]


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--words", type=int, required=True)
    parser.add_argument("--precisions", nargs="+", required=True)
    args = parser.parse_args()
    texts = read_texts(args.work / "corpus" / "test.spacy", args.words)
    trained, moved = args.work / "trained" / "model-best", args.work / "moved"
    expected = find(trained, texts, "cpu", "fp32")
    figures: dict[str, Any] = {"texts": len(texts), "entities": sum(map(len, expected))}
    for i, precision in enumerate(args.precisions):
        found = find(trained, texts, args.device, precision, saves=None if i else moved)
        figures[precision] = compare(found, expected)
    # the same weights on the same processor: to the last bit
    figures["back on the CPU"] = compare(find(moved, texts, "cpu", "fp32"), expected)
    lines = [f"{figures['entities']:,} entities in {len(texts)} texts on the CPU in fp32"]
    lines += [
        f"{name}: {row['different']} texts differ, probabilities by up to {row['largest']:.2g}"
        for name, row in figures.items()
        if isinstance(row, dict)
    ]
    save(args.work, "same", figures, "\n".join(lines))
    is_exact = figures["back on the CPU"] == {"different": 0, "largest": 0.0}
    if not is_exact or figures[args.precisions[0]]["different"]:
        raise SystemExit("Other entities were found, or others after the way back.")


def read_texts(path: Path, n_words: int) -> list[str]:
    texts: list[str] = []
    for doc in DocBin().from_disk(path).get_docs(spacy.blank("en").vocab):
        if n_words <= 0:
            break
        texts.append(doc.text)
        n_words -= len(doc)
    return texts


def find(
    folder: Path, texts: list[str], device: str, precision: str, *, saves: Path | None = None
) -> Found:
    settings = {"device": device, "precision": precision}
    prefix = "components.ner_plus.model."
    nlp = spacy.load(folder, config={prefix + name: value for name, value in settings.items()})
    if saves is not None:
        nlp.to_disk(saves)
    return [
        [(ent.start, ent.end, ent.label_, ent._.probability) for ent in doc.ents]
        for doc in nlp.pipe(texts)
    ]


def compare(found: Found, expected: Found) -> dict[str, Any]:
    """In how many texts entities differ, and by how much probabilities do elsewhere."""
    different, largest = 0, 0.0
    for ours, theirs in zip(found, expected, strict=True):
        if [entity[:3] for entity in ours] != [entity[:3] for entity in theirs]:
            different += 1
            continue
        gaps = [abs(a[3] - b[3]) for a, b in zip(ours, theirs, strict=True)]
        largest = max(largest, *gaps, 0.0)
    return {"different": different, "largest": largest}


if __name__ == "__main__":
    main()
