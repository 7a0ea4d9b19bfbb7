"""A component that a config takes from a trained pipeline, and data with types it does not know."""

from pathlib import Path

import pytest
import spacy

from spacy_ner_plus import train
from tests.training.runs import write_config

pytestmark = pytest.mark.slow

ADD = """
[initialize]

[initialize.after_init]
@callbacks = "spacy_ner_plus.add_labels.v1"
component = "ner_plus"
labels = ["Disease"]
"""


def sourced_config(folder: Path, encoder: Path) -> str:
    """A config that goes on from a pipeline that knows Chemical alone, with data of both types."""
    changes = {"max_steps = 24": "max_steps = 2", "eval_frequency = 6": "eval_frequency = 2"}
    config = write_config(folder, encoder, changes=changes)
    text = config.read_text()
    whole = (folder / "train.spacy").read_bytes()
    only_chemical(folder / "train.spacy")
    only_chemical(folder / "dev.spacy")
    assert train(config, folder / "first")
    (folder / "train.spacy").write_bytes(whole)
    block = text[text.index("[components.ner_plus]") : text.index("[corpora]")]
    return text.replace(
        block, f'[components.ner_plus]\nsource = "{folder / "first" / "model-last"}"\n\n'
    )


def only_chemical(path: Path) -> None:
    from spacy.tokens import DocBin

    nlp = spacy.blank("en")
    docs = list(DocBin().from_disk(path).get_docs(nlp.vocab))
    for doc in docs:
        doc.ents = [ent for ent in doc.ents if ent.label_ == "Chemical"]
    DocBin(docs=docs).to_disk(path)


def test_unknown_type_is_told_before_training(
    tmp_path: Path, dropout_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "next.cfg"
    text = sourced_config(tmp_path, dropout_encoder)
    config.write_text(text)
    with pytest.raises(ValueError, match=r"has the entity .* of type 'Disease', but .*\['Chem"):
        train(config, tmp_path / "next")
    assert "Training pipeline" not in capsys.readouterr().out.split("Saving to")[-1]
    config.write_text(text + ADD)
    assert train(config, tmp_path / "next")
    nlp = spacy.load(tmp_path / "next" / "model-last")
    assert nlp.get_pipe("ner_plus").labels == ("Chemical", "Disease")
