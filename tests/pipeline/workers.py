"""Runs a pipeline in worker processes of every kind and reports what came back, as JSON.

A program of its own: started workers import the main module, and a worker that hangs must not
take the tests along.
"""

import json
import multiprocessing
import os
import sys
from pathlib import Path
from typing import Any

import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.models.runtime.processes import TOKENIZER_THREADS
from tests.pipeline.samples import TEXTS, found_in, probabilities

Report = dict[str, Any]


@Language.component("process_facts")
def process_facts(doc: Doc) -> Doc:
    doc.user_data["process"] = {
        "id": os.getpid(),
        "torch_threads": torch.get_num_threads(),
        "tokenizer_threads": os.environ.get(TOKENIZER_THREADS),
    }
    return doc


def run(nlp: Language, n_process: int) -> Report:
    inputs = [(text, i) for i, text in enumerate(TEXTS * 4)]
    pairs = list(nlp.pipe(inputs, as_tuples=True, n_process=n_process, batch_size=6))
    docs = [doc for doc, _ in pairs]
    return {
        "contexts": [context for _, context in pairs],
        "entities": [found_in(doc) for doc in docs],
        "probabilities": [probabilities(doc) for doc in docs],
        "spans": [[(s.start, s.end, s.label_) for s in doc.spans["ner_plus"]] for doc in docs],
        "scores": [list(map(float, doc.spans["ner_plus"].attrs["scores"])) for doc in docs],
        "processes": [doc.user_data["process"] for doc in docs],
    }


def main(folder: Path, methods: list[str]) -> None:
    torch.set_num_threads(2)
    nlp = spacy.load(folder)
    nlp.add_pipe("process_facts", last=True)
    reports = {"none": run(nlp, 1)}
    torch.nn.functional.layer_norm(torch.ones(4096, 512), (512,))  # large enough for two threads
    for method in methods:
        multiprocessing.set_start_method(method, force=True)
        reports[method] = run(nlp, 2)
    reports["after"] = run(nlp, 1)
    print(json.dumps(reports))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
