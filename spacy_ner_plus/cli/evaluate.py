"""`ner-plus evaluate`: entity scores of a pipeline, per type, micro and macro."""

import json
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer
from spacy import util
from spacy.language import Language
from spacy.scorer import Scorer
from tqdm import tqdm
from wasabi import msg

from spacy_ner_plus.cli._errors import errors_as_messages
from spacy_ner_plus.cli.report import print_scores
from spacy_ner_plus.data.corpus import make_corpus_v1

SCORES = ("ents_p", "ents_r", "ents_f", "ents_macro_f", "ents_per_type")


def evaluate_cli(
    model: Annotated[str, typer.Argument(help="Name or folder of a pipeline")],
    data: Annotated[
        Path, typer.Argument(help=".spacy file with gold annotation, or a folder of such files")
    ],
    output: Annotated[Path | None, typer.Option(help="JSON file to write the scores to")] = None,
    tokens: Annotated[
        str,
        typer.Option(
            help="Which tokens the pipeline gets: 'reference' for those of the corpus, as "
            "published results are scored, 'pipeline' for what its tokenizer makes of the text"
        ),
    ] = "reference",
) -> None:
    """Evaluate the entities of a pipeline.

    Prints precision, recall, F1 and support (the number of gold entities) of each type, their micro
    and macro averages, and the speed.
    """
    with errors_as_messages():
        if not data.exists():
            raise ValueError(
                f"There is no evaluation data at {data}: write it with ner-plus convert."
            )
        nlp = util.load_model(model)
        record = {"model": model, "data": str(data), **evaluate(nlp, data, tokens=tokens)}
    print_scores(record)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf8")
        msg.good(f"Wrote {output}")


def evaluate(nlp: Language, data: Path, *, tokens: str = "reference") -> dict[str, Any]:
    """Run a pipeline over a corpus and score its entities, with a progress bar on a terminal.

    nlp (Language): The pipeline.
    data (Path): .spacy file with gold annotation, or a folder of such files.
    tokens (str): Which tokens to tag: see make_corpus_v1.
    RETURNS (Dict[str, Any]): `scores` as the pipeline's scorer returns them, with `n_docs`,
        `n_words` and `words_per_second` (tokens of the pipeline; tokenising not included).
    RAISES (ValueError): If there is nothing to evaluate or the pipeline scores no entities.
    """
    examples = list(make_corpus_v1(data, tokens)(nlp))
    if not examples:
        raise ValueError(f"{data} holds no documents, so there is nothing to evaluate.")
    start = perf_counter()
    docs = nlp.pipe(example.predicted for example in examples)
    bar = tqdm(docs, total=len(examples), desc="Evaluating", unit="docs", disable=None, leave=False)
    for example, doc in zip(examples, bar, strict=True):
        example.predicted = doc
    seconds = perf_counter() - start
    all_scores = Scorer(nlp=nlp).score(examples)
    if not set(SCORES) <= set(all_scores):
        raise ValueError(
            f"No component of this pipeline scores entities with spacy_ner_plus.ner_scorer.v1. "
            f"It has: {', '.join(nlp.pipe_names) or 'no components'}."
        )
    if all_scores["ents_per_type"] is None:
        raise ValueError(
            f"{data} has no annotated documents with entities, so there are no scores."
        )
    n_words = sum(len(example.predicted) for example in examples)
    return {
        "n_docs": len(examples),
        "n_words": n_words,
        "words_per_second": n_words / seconds,
        "scores": {key: all_scores[key] for key in SCORES},
    }
