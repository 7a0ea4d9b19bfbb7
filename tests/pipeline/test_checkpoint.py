"""Fine-tuned token-classification checkpoints: predicting at once, and learning on."""

import json
import logging
from collections.abc import Callable
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from safetensors.torch import load_file, save_file
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed
from transformers import AutoModelForTokenClassification, AutoTokenizer

from spacy_ner_plus.models.pretrained.tag_names import parse_id2label
from tests import tiny
from tests.pipeline.samples import (
    assert_same_predictions,
    assert_same_weights,
    chunk_wordpiece,
    found_in,
    make_examples,
    make_nlp,
    overfit,
    weights,
)

BIO = ["I-LOC", "O", "B-PER", "B-LOC", "I-PER"]
IO = ["PER", "O", "LOC"]
BIOES = ["S-PER", "E-PER", "O", "I-PER", "B-PER"]
TEXTS = [
    "Bob Smith flew from Zürich to Paris with thirty patients .",
    "Selegiline - induced postural hypotension in Parkinson ' s disease",
    "The effects of drug withdrawal on mice and human platelet aggregation",
]

GetFolder = Callable[..., Path]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> GetFolder:
    """The folder of a random token-classification model; each is written once."""

    @cache
    def save(*tags: str, family: str = "bert", seed: int = 0) -> Path:
        settings = {"embedding_size": 16} if family == "albert" else {}
        folder = tmp_path_factory.mktemp(family)
        return tiny.save_token_classifier(
            folder, list(tags) or None, family, seed=seed, scale=4.0, **settings
        )

    return save


@pytest.fixture
def own_checkpoint(tmp_path: Path) -> Path:
    """A checkpoint for one test to change."""
    return tiny.save_token_classifier(tmp_path, BIO)


def start(folder: Path, **settings: Any) -> Language:
    """The documented way: name the checkpoint, initialize, and use it."""
    nlp = make_nlp(folder, **settings)
    nlp.initialize()
    return nlp


def logits_of(folder: Path, doc: Doc) -> np.ndarray:
    """What transformers gives for the first piece of each token: (n_tokens, rows)."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    model = AutoModelForTokenClassification.from_pretrained(folder).eval()
    encoding = tokenizer.backend_tokenizer.encode(doc.text)
    with torch.no_grad():
        ids = torch.tensor([encoding.ids])
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0].numpy()
    pieces = []
    for token in doc:
        inside = range(token.idx, token.idx + len(token))
        covering = (
            piece
            for piece, (first, end) in enumerate(encoding.offsets)
            if set(range(first, end)) & set(inside)
        )
        pieces.append(next(covering))
    return logits[pieces]


# Equality


@pytest.mark.slow
@pytest.mark.parametrize("family", [*tiny.FAMILIES, "albert"])
def test_emissions_equal_the_logits_of_transformers(family: str, checkpoint: GetFolder) -> None:
    folder = checkpoint(*BIO, family=family)
    nlp = start(folder)
    ner = nlp.get_pipe("ner_plus")
    assert ner.labels == ("LOC", "PER")
    rows = parse_id2label(dict(enumerate(BIO))).head_rows(ner.shim.scheme)
    docs = [nlp.make_doc(text) for text in TEXTS]
    emissions = ner.model.predict(docs)
    expected = np.concatenate([logits_of(folder, doc)[:, rows] for doc in docs])
    assert expected.std() > 1
    assert emissions.lengths.tolist() == [len(doc) for doc in docs]
    np.testing.assert_allclose(emissions.scores.numpy(), expected, rtol=0, atol=1e-4)


def test_bio_gives_the_same_entities_in_every_way_to_write_them(checkpoint: GetFolder) -> None:
    folder = checkpoint(*BIO)
    found = []
    for scheme in ("BIO", "BILOU"):
        for use_crf in (True, False):
            nlp = start(folder, tag_scheme=scheme, model_use_crf=use_crf)
            found.append([nlp(text) for text in TEXTS])
    assert sum(len(doc.ents) for doc in found[0]) > 8
    assert {len(ent) for doc in found[0] for ent in doc.ents} > {1, 2}
    for docs in found[1:]:
        assert_same_predictions(docs, found[0], within=1e-6)


@pytest.mark.parametrize("scheme", ["BIO", "BILOU"])
def test_io_gives_the_runs_of_the_best_tags(scheme: str, checkpoint: GetFolder) -> None:
    folder = checkpoint(*IO)
    nlp = start(folder, tag_scheme=scheme)
    lengths = set()
    for text in TEXTS:
        doc = nlp(text)
        logits = torch.tensor(logits_of(folder, doc)).double()
        found = [(ent.start, ent.end, ent.label_) for ent in doc.ents]
        expected, probabilities, first = [], [], 0
        sure = torch.softmax(logits, -1).numpy()
        for row, run in groupby(logits.argmax(-1).tolist()):
            end = first + len(list(run))
            if IO[row] != "O":
                expected.append((first, end, IO[row]))
                # the run, and that the tokens beside it are something else
                beside = [sure[t, row] for t in (first - 1, end) if 0 <= t < len(doc)]
                probabilities.append(sure[first:end, row].prod() * np.prod(1 - np.array(beside)))
            first = end
        assert found == expected
        np.testing.assert_allclose(
            [ent._.probability for ent in doc.ents], probabilities, rtol=1e-5, atol=1e-6
        )
        lengths |= {len(ent) for ent in doc.ents}
    assert lengths > {1, 2}


def test_bioes_is_taken_as_bilou(checkpoint: GetFolder) -> None:
    folder = checkpoint(*BIOES)
    nlp = start(folder)
    ner = nlp.get_pipe("ner_plus")
    assert ner.shim.scheme.tags == ("O", "B-PER", "I-PER", "L-PER", "U-PER")
    doc = nlp.make_doc(TEXTS[0])
    expected = logits_of(folder, doc)[:, [2, 4, 3, 1, 0]]
    np.testing.assert_allclose(ner.model.predict([doc]).scores.numpy(), expected, atol=1e-4)


@pytest.mark.slow
def test_tags_that_the_checkpoint_lacks_are_never_found(checkpoint: GetFolder) -> None:
    folder = checkpoint("B-PER", "O", "B-LOC", "I-LOC", seed=1)
    for scheme in ("BIO", "BILOU"):
        docs = [start(folder, tag_scheme=scheme)(text) for text in TEXTS]
        lengths = {len(ent) for doc in docs for ent in doc.ents if ent.label_ == "PER"}
        assert lengths == {1}


# Files


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bert", "modernbert"])
def test_pipeline_is_saved_without_its_checkpoint(
    family: str, checkpoint: GetFolder, tmp_path: Path
) -> None:
    nlp = start(checkpoint(*BIO, family=family))
    docs = [nlp(text) for text in TEXTS]
    assert any(doc.ents for doc in docs)
    nlp.to_disk(tmp_path)
    settings = json.loads((tmp_path / "ner_plus" / "model" / "tagger.json").read_text())
    for name in ("id2label", "label2id", "num_labels", "problem_type", "architectures"):
        assert name not in settings["encoder"]
    again = spacy.load(tmp_path)
    assert again.get_pipe("ner_plus").labels == ("LOC", "PER")
    assert_same_predictions([again(text) for text in TEXTS], docs)


@pytest.mark.slow
def test_prediction_head_learns_with_the_last_layer(checkpoint: GetFolder) -> None:
    encoder = start(checkpoint(*BIO, family="modernbert")).get_pipe("ner_plus").shim.module.encoder
    names = [n for n, _ in encoder.named_parameters() if n.startswith("prediction_head.")]
    assert names
    assert {encoder.layer_of(name) for name in names} == {encoder.n_layers}


# Labels


def spans_of(nlp: Language, *labels: str) -> Callable[[], list[Example]]:
    words = TEXTS[0].split()
    example = Example.from_dict(
        nlp.make_doc(TEXTS[0]), {"words": words, "entities": [(0, 3, label) for label in labels]}
    )
    return lambda: [example]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("found", "given", "added", "expected"),
    [
        (["PER"], None, [], ["LOC", "PER"]),
        (["Drug"], None, [], ["LOC", "PER", "Drug"]),
        (["PER"], None, ["Gene", "Drug"], ["LOC", "PER", "Drug", "Gene"]),
        (["PER"], ["PER"], [], ["LOC", "PER"]),
        (["PER"], ["Drug", "PER", "Cell"], [], ["LOC", "PER", "Drug", "Cell"]),
    ],
)
def test_labels_of_the_checkpoint_come_first(
    found: list[str],
    given: list[str] | None,
    added: list[str],
    expected: list[str],
    checkpoint: GetFolder,
) -> None:
    """And all of them keep their weights."""
    nlp = make_nlp(checkpoint(*BIO))
    ner = nlp.get_pipe("ner_plus")
    for label in added:
        ner.add_label(label)
    ner.initialize(spans_of(nlp, *found), labels=given)
    assert list(ner.labels) == expected
    assert ner.shim.fresh_labels == tuple(expected[2:])
    plain = start(checkpoint(*BIO))
    doc = nlp.make_doc(TEXTS[0])
    old = plain.get_pipe("ner_plus").model.predict([doc]).scores
    new = ner.model.predict([doc]).scores
    torch.testing.assert_close(new[:, : old.shape[1]], old, rtol=0, atol=1e-5)
    assert (new[:, old.shape[1] :] < old[:, :1] - 4).all()  # far below O
    assert found_in(nlp(TEXTS[0])) == found_in(plain(TEXTS[0]))


@pytest.mark.parametrize("tags", [BIO, []])
def test_other_labels_given_take_the_encoder_alone(
    tags: list[str], checkpoint: GetFolder, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the checkpoint says LABEL_0."""
    nlp = make_nlp(checkpoint(*tags))
    ner = nlp.get_pipe("ner_plus")
    with caplog.at_level(logging.INFO, logger="spacy_ner_plus"):
        ner.initialize(spans_of(nlp, "Drug"), labels=["Drug", "Gene"])
    assert ner.labels == ("Drug", "Gene")
    assert ner.shim.fresh_labels == ()
    assert ner.shim.module.head.linear.weight.std() < 0.1  # as new ones are
    assert "Only the encoder of" in caplog.text


def test_initialize_twice_is_initialize_once(checkpoint: GetFolder) -> None:
    nlp = start(checkpoint(*BIO))
    once = weights(nlp.get_pipe("ner_plus"))
    nlp.initialize()
    assert_same_weights(weights(nlp.get_pipe("ner_plus")), once)


def test_plain_encoder_brings_no_labels(encoder_dir: Path) -> None:
    with pytest.raises(ValueError, match=r"no labels.*name a checkpoint that was fine-tuned"):
        start(encoder_dir)


# Learning on


def test_checkpoint_learns_on_with_one_more_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tiny.TOKENIZERS, "chunks", chunk_wordpiece)
    size = {"num_hidden_layers": 1, "hidden_size": 128, "intermediate_size": 256}
    folder = tiny.save_token_classifier(
        tmp_path, ["O", "B-Disease", "I-Disease"], tokenizer="chunks", **size
    )
    fix_random_seed(0)
    nlp = make_nlp(folder)
    examples = make_examples(nlp, 10)
    nlp.initialize(lambda: examples)
    assert nlp.get_pipe("ner_plus").labels == ("Disease", "Chemical")
    assert overfit(nlp, examples) == 1.0


# Refusals


def test_unnamed_tags_are_refused(checkpoint: GetFolder) -> None:
    folder = checkpoint()
    with pytest.raises(ValueError, match=r'"id2label" of its config\.json has .LABEL_0., .LABEL_1'):
        start(folder)
    nlp = make_nlp(folder)
    with pytest.raises(ValueError, match="labels of your own data"):
        nlp.initialize(spans_of(nlp, "Drug"))


def test_io_without_crf_is_refused(checkpoint: GetFolder) -> None:
    with pytest.raises(ValueError, match=r"IO tags of .* set use_crf = true"):
        start(checkpoint(*IO), model_use_crf=False)


def test_bioes_in_bio_is_refused(checkpoint: GetFolder) -> None:
    with pytest.raises(ValueError, match='set tag_scheme = "BILOU"'):
        start(checkpoint(*BIOES), tag_scheme="BIO")


def test_unused_tags_are_named(checkpoint: GetFolder, caplog: pytest.LogCaptureFixture) -> None:
    assert start(checkpoint("[PAD]", "O", "B-PER", "I-PER")).get_pipe("ner_plus").labels == ("PER",)
    assert "are the tags ['[PAD]']" in caplog.text


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    state = load_file(folder / "model.safetensors")
    change(state)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


def change_config(folder: Path, **changes: object) -> None:
    """Change settings of a config.json; None takes one out."""
    config = json.loads((folder / "config.json").read_text()) | changes
    kept = {name: value for name, value in config.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(kept))


@pytest.mark.parametrize("form", ["safetensors", "shards", "pickle"])
def test_classifier_is_found_without_architectures(own_checkpoint: Path, form: str) -> None:
    expected = start(own_checkpoint)(TEXTS[0])
    weights_file = own_checkpoint / "model.safetensors"
    if form == "pickle":
        torch.save(load_file(weights_file), own_checkpoint / "pytorch_model.bin")
        weights_file.unlink()
    elif form == "shards":
        state = load_file(weights_file)
        weights_file.rename(own_checkpoint / "one.safetensors")
        index = {"metadata": {}, "weight_map": dict.fromkeys(state, "one.safetensors")}
        (own_checkpoint / "model.safetensors.index.json").write_text(json.dumps(index))
    change_config(own_checkpoint, architectures=None)
    assert_same_predictions([start(own_checkpoint)(TEXTS[0])], [expected])


def test_classifier_without_architectures_and_names_is_refused(own_checkpoint: Path) -> None:
    change_config(own_checkpoint, architectures=None, id2label=None, label2id=None)
    with pytest.raises(ValueError, match=r'"id2label" of its config\.json has .LABEL_0., .LABEL_1'):
        start(own_checkpoint)


def test_encoder_without_architectures_brings_no_labels(own_checkpoint: Path) -> None:
    change_config(own_checkpoint, architectures=None)
    change_weights(own_checkpoint, lambda state: state.__delitem__("classifier.weight"))
    with pytest.raises(ValueError, match=r"no labels.*name a checkpoint that was fine-tuned"):
        start(own_checkpoint)


def test_damaged_weights_are_named(own_checkpoint: Path) -> None:
    (own_checkpoint / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"could be loaded for '.*Error while deserializing"):
        start(own_checkpoint)
    change_config(own_checkpoint, architectures=None)
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged: Error while"):
        start(own_checkpoint)


def test_missing_classifier_is_refused(own_checkpoint: Path) -> None:
    """Transformers would take random weights, and say so in a log."""
    change_weights(own_checkpoint, lambda state: state.__delitem__("classifier.bias"))
    with pytest.raises(
        ValueError, match=r"the weights of classifier\.bias are not among the files"
    ):
        start(own_checkpoint)


def test_unknown_weights_are_named(own_checkpoint: Path, caplog: pytest.LogCaptureFixture) -> None:
    def add(state: dict[str, torch.Tensor]) -> None:
        state["crf.transitions"] = torch.zeros(5, 5)
        state["bert.pooler.dense.bias"] = torch.zeros(32)

    change_weights(own_checkpoint, add)
    start(own_checkpoint)
    assert "are the weights crf.transitions." in caplog.text


def test_names_of_another_number_of_tags_are_refused(own_checkpoint: Path) -> None:
    names = {"0": "O", "1": "B-PER", "2": "I-PER"}
    rows = {tag: int(row) for row, tag in names.items()}
    change_config(own_checkpoint, id2label=names, label2id=rows)
    with pytest.raises(ValueError, match=r"\"id2label\" must have a name for each tag"):
        start(own_checkpoint)
