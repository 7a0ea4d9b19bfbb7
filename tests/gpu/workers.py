"""Reads texts in worker processes of every kind, the parent having used the device; JSON.

A program of its own: started workers import the main module, and one that hangs must not take the
tests along.
"""

import json
import multiprocessing
import sys
from pathlib import Path
from typing import Any

import spacy

from tests.pipeline.samples import TEXTS, found_in


def read(nlp: spacy.Language, n_process: int) -> Any:
    """What is found, or the error."""
    try:
        docs = nlp.pipe(TEXTS * 2, n_process=n_process, batch_size=6)
        return [found_in(doc) for doc in docs]
    except ValueError as error:
        return str(error)


def main(folder: Path, device: str) -> None:
    nlp = spacy.load(folder, config={"components.ner_plus.model.device": device})
    found = {"none": read(nlp, 1)}
    for method in ("fork", "spawn"):
        multiprocessing.set_start_method(method, force=True)
        found[method] = read(nlp, 2)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
