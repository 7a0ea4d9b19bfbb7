"""The component: `nlp.add_pipe("ner_plus")`."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import srsly
from spacy import util
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Adam, Config, Model, Optimizer
from torch import Tensor

from ..models.emissions import Emissions
from ..models.shim import FILES, SAFE_ENCODER_RATE, TaggerShim, shim_of
from ..models.tagging import Entities, decode, loss_and_gradient
from ..tags import TagScheme
from ..text.gold import Lost, allowed_tags, describe_lost, lost_entities

PROBABILITY = "probability"

DEFAULT_CONFIG = """
[ner_plus]
tag_scheme = "BILOU"
existing_ents = "keep"
spans_key = "ner_plus"

[ner_plus.scorer]
@scorers = "spacy_ner_plus.ner_scorer.v1"

[ner_plus.model]
@architectures = "spacy_ner_plus.TransformerTagger.v1"
name = "roberta-base"
word_forms = "auto"
pooling = "first"
window = 256
overlap = 64
use_crf = true
dropout = 0.1
head_lr_scale = 10.0
lr_decay = 1.0
precision = "auto"
device = "auto"
max_batch_pieces = 8192
"""


@Language.factory(
    "ner_plus",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type"],
    default_config=Config().from_str(DEFAULT_CONFIG)["ner_plus"],
    default_score_weights={
        "ents_f": 1.0,
        "ents_p": 0.0,
        "ents_r": 0.0,
        "ents_micro_f": None,
        "ents_macro_f": None,
        "ents_per_type": None,
    },
)
def make_ner_plus(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Emissions],
    tag_scheme: str,
    existing_ents: str,
    spans_key: str | None,
    scorer: Callable[..., dict[str, Any]] | None,
) -> "NerPlus":
    """Create the component.

    model (Model[List[Doc], Emissions]): An architecture such as TransformerTagger.v1.
    tag_scheme (str): "BILOU" or "BIO".
    existing_ents (str): What becomes of entities that are on the Doc already: "keep" leaves them
        (and blocked spans) as they are and drops predicted entities that overlap them.
    spans_key (str): doc.spans[spans_key] holds the predicted entities, with their probabilities
        as .attrs["scores"]; None to leave it out.
    scorer (Callable): The scoring method.
    """
    return NerPlus(
        nlp.vocab,
        model,
        name,
        tag_scheme=tag_scheme,
        existing_ents=existing_ents,
        spans_key=spans_key,
        scorer=scorer,
    )


@dataclass
class UpdateCounts:
    """What a component has learned from since it was made: a TrainingProgress for the logger."""

    words: int = 0
    loss: float = 0.0


class NerPlus(TrainablePipe):
    """Named entity recognition with exact probabilities.

    Sets doc.ents, ent._.probability and doc.spans[spans_key]. The probability of an entity is
    that of exactly this span with exactly this label under the model.

    vocab (Vocab): The shared vocabulary.
    model (Model[List[Doc], Emissions]): The model; its TaggerShim knows the tags.
    name (str): The component's name in the pipeline.
    tag_scheme, existing_ents, spans_key, scorer: See make_ner_plus.
    RAISES ValueError: If a setting is unknown.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model[list[Doc], Emissions],
        name: str = "ner_plus",
        *,
        tag_scheme: str = "BILOU",
        existing_ents: str = "keep",
        spans_key: str | None = "ner_plus",
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        if existing_ents != "keep":
            raise ValueError(f"existing_ents = {existing_ents!r} is unknown: use 'keep'.")
        self.vocab = vocab
        self.model = model
        self.name = name
        self.existing_ents = existing_ents
        self.spans_key = spans_key
        self.scorer = scorer
        self.cfg: dict[str, Any] = {"tag_scheme": tag_scheme, "labels": []}
        self.progress = UpdateCounts()
        self._set_labels([])
        _register_probability()

    # Labels

    @property
    def tagger(self) -> TaggerShim:
        """The part of the model that knows the tags."""
        return shim_of(self.model)

    @property
    def labels(self) -> tuple[str, ...]:
        """The entity types that the component can predict."""
        return self.tagger.scheme.labels

    @property
    def label_data(self) -> list[str]:
        """The labels as JSON-like data, for `init labels`."""
        return list(self.labels)

    def add_label(self, label: str) -> int:
        """Add an entity type before training.

        label (str): The type.
        RETURNS (int): 0 if it is there already, 1 if it was added.
        RAISES ValueError: If the model has been initialized.
        """
        if label in self.labels:
            return 0
        if self.tagger.is_built:
            raise ValueError(
                f"'{self.name}' has been initialized for {list(self.labels)}; '{label}' can't be "
                "added. Give all labels to nlp.initialize() and train."
            )
        self._set_labels([*self.labels, label])
        return 1

    def _set_labels(self, labels: Iterable[str]) -> None:
        scheme = TagScheme(self.cfg["tag_scheme"], list(labels))
        self.tagger.scheme = scheme
        for label in scheme.labels:
            self.vocab.strings.add(label)

    # Learning

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: list[str] | None = None,
    ) -> None:
        """Load the pretrained encoder and set up the labels.

        get_examples (Callable[[], Iterable[Example]]): Returns examples of the training data.
        nlp (Language): The pipeline.
        labels (List[str]): The entity types, in this order. If None, those of the examples and
            those added with add_label, sorted.
        RAISES ValueError: If there are no labels, an example has one that is not among those
            given, or the encoder can't be loaded.
        """
        validate_get_examples(get_examples, "NerPlus.initialize")
        found: set[str] = set()
        lost: list[Lost] = []
        n_entities = 0
        for example in get_examples():
            n_entities += len(example.reference.ents)
            found.update(ent.label_ for ent in example.reference.ents)
            lost.extend(lost_entities(example))
        if labels is None:
            labels = sorted(found.union(self.labels))
        unknown = found - set(labels)
        if unknown:
            raise ValueError(
                f"The training data has entities of type {sorted(unknown)}, but the labels given "
                f"to '{self.name}' are {list(labels)}: add the types or take their entities out."
            )
        if not labels:
            raise ValueError(
                f"'{self.name}' found no entities in the training data and was given no labels. "
                "Annotate doc.ents, or give labels in [initialize.components."
                f"{self.name}] or with add_label."
            )
        if lost:
            warnings.warn(
                f"{len(lost)} of {n_entities} gold entities can't be learned by '{self.name}':\n"
                f"{describe_lost(lost)}",
                stacklevel=2,
            )
        self._set_labels(labels)
        self.model.initialize()

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch.

        examples (Iterable[Example]): The batch.
        drop (float): Not used: dropout belongs to the encoder and to the model's settings.
        sgd (Optimizer): Takes a step if given; else call finish_update.
        losses (Dict[str, float]): Updated under the component's name with the mean negative
            log-likelihood per annotated token, in nats.
        RETURNS (Dict[str, float]): The losses.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "NerPlus.update")
        if not any(len(example.predicted) for example in examples):
            return losses
        backprop: Any  # takes the scores' gradient alone: rows have none
        emissions, backprop = self.model.begin_update([eg.predicted for eg in examples])
        loss, gradient = self.get_loss(examples, emissions)
        if len(emissions.scores):
            backprop(gradient)
        if sgd not in (None, False):
            self.finish_update(sgd)
        losses[self.name] += loss
        self.progress.words += sum(len(example.predicted) for example in examples)
        self.progress.loss += loss
        return losses

    def get_loss(self, examples: Iterable[Example], scores: Emissions) -> tuple[float, Tensor]:
        """The loss of a batch and its gradient with respect to the emissions.

        examples (Iterable[Example]): The batch.
        scores (Emissions): What the model's begin_update or predict gave for its Docs.
        RETURNS (Tuple[float, Tensor]): Mean negative log-likelihood per annotated token, and
            (n_rows, n_tags). The CRF's own parameters collect their gradients on the way.
        RAISES ValueError: If a document's annotation contradicts itself or the loss is no number.
        """
        examples = list(examples)
        tagger = self.tagger
        allowed = [
            allowed_tags(example, tokens, tagger.scheme)
            for example, tokens in zip(examples, scores.row_tokens, strict=True)
        ]
        losses, gradient = loss_and_gradient(tagger.module.head.decoder, scores, allowed)
        if not np.isfinite(losses).all():
            worst = int(np.flatnonzero(~np.isfinite(losses))[0])
            raise ValueError(_no_loss(examples[worst], float(losses[worst])))
        n_annotated = sum(int((~tags.all(axis=1)).sum()) for tags in allowed)
        return float(losses.sum()) / max(1, n_annotated), gradient

    def create_optimizer(self) -> Optimizer:
        """AdamW at a rate that a pretrained encoder stands."""
        return Adam(SAFE_ENCODER_RATE, L2=0.01, grad_clip=1.0, use_averages=False)

    # Predicting

    def predict(self, docs: Iterable[Doc]) -> list[Entities]:
        """Find the entities of some Docs, without changing them.

        docs (Iterable[Doc]): The documents, of any length.
        RETURNS (List[Entities]): Per Doc, token spans with label indices and probabilities.
        """
        tagger = self.tagger
        emissions = self.model.predict(list(docs))
        return decode(tagger.module.head.decoder, tagger.scheme, emissions)

    def set_annotations(self, docs: Iterable[Doc], scores: list[Entities]) -> None:
        """Write entities and their probabilities to Docs.

        docs (Iterable[Doc]): The documents.
        scores (List[Entities]): What predict found in them.
        """
        labels = [self.vocab.strings.add(label) for label in self.labels]
        is_stored = _register_probability()
        for doc, entities in zip(docs, scores, strict=True):
            free = _free_of_existing(doc, entities)
            found = [
                Span(doc, int(start), int(end), labels[label])
                for start, end, label in zip(
                    entities.starts[free],
                    entities.ends[free],
                    entities.labels[free],
                    strict=True,
                )
            ]
            probabilities = entities.probabilities[free]
            doc.set_ents([*doc.ents, *found], blocked=_blocked(doc), default="outside")
            if is_stored:
                for span, probability in zip(found, probabilities, strict=True):
                    span._.set(PROBABILITY, float(probability))
            if self.spans_key is not None:
                doc.spans[self.spans_key] = SpanGroup(
                    doc, name=self.spans_key, spans=found, attrs={"scores": probabilities}
                )

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Process a stream. If a batch fails, its Docs are tried one by one, so that the error
        handler gets only those that fail by themselves.

        stream (Iterable[Doc]): The documents.
        batch_size (int): How many to take at once.
        YIELDS (Doc): The processed documents in order, without those that failed.
        """
        handle_error = self.get_error_handler()
        for docs in util.minibatch(stream, size=batch_size):
            try:
                found = self.predict(docs)
            except Exception as error:
                if len(docs) == 1:
                    handle_error(self.name, self, docs, error)
                else:
                    yield from self.pipe(docs, batch_size=1)
                continue
            for doc, entities in zip(docs, found, strict=True):
                try:
                    self.set_annotations([doc], [entities])
                except Exception as error:
                    handle_error(self.name, self, [doc], error)
                else:
                    yield doc

    # Files: `cfg` and a folder `model` with the shim's files

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Serialize to a bytestring.

        exclude (Iterable[str]): Names of parts to leave out: "cfg", "vocab", "model".
        """
        self.cfg["labels"] = self.label_data
        # not the bytes of the whole model: its own settings would win over the config's on load
        writers = {
            "cfg": lambda: srsly.json_dumps(self.cfg),
            "vocab": lambda: self.vocab.to_bytes(exclude=exclude),
            "model": self.tagger.to_bytes,
        }
        packed: bytes = util.to_bytes(writers, exclude)
        return packed

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "NerPlus":
        """Load from a bytestring: the reverse of to_bytes. Same settings as to_bytes.

        RAISES ValueError: If a setting that belongs to the weights differs.
        """
        readers = {
            "cfg": lambda b: self._read_cfg(srsly.json_loads(b)),
            "vocab": lambda b: self.vocab.from_bytes(b, exclude=exclude),
            "model": lambda b: self.tagger.from_bytes(b),
        }
        util.from_bytes(bytes_data, readers, exclude)
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save to a folder. Weights are safetensors, the rest is JSON.

        path (str / Path): The folder.
        exclude (Iterable[str]): Names of parts to leave out.
        """
        self.cfg["labels"] = self.label_data
        writers = {
            "cfg": lambda p: srsly.write_json(p, self.cfg),
            "vocab": lambda p: self.vocab.to_disk(p, exclude=exclude),
            "model": lambda p: _write_files(p, self.tagger.to_files()),
        }
        util.to_disk(path, writers, exclude)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "NerPlus":
        """Load from a folder: the reverse of to_disk.

        RAISES ValueError: If files are missing or damaged, or a setting that belongs to the
            weights differs.
        """
        readers: dict[str, Callable[[Path], Any]] = {
            "cfg": lambda p: self._read_cfg(srsly.read_json(p)),
            "vocab": lambda p: self.vocab.from_disk(p, exclude=exclude),
            "model": lambda p: self.tagger.from_files(_read_files(p)),
        }
        util.from_disk(path, readers, exclude)
        return self

    def _read_cfg(self, cfg: dict[str, Any]) -> None:
        if cfg["tag_scheme"] != self.cfg["tag_scheme"]:
            raise ValueError(
                f"'{self.name}' was trained with tag_scheme = {cfg['tag_scheme']!r}, but the "
                f"config says {self.cfg['tag_scheme']!r}. This setting can't be changed after "
                "training."
            )
        self._set_labels(cfg["labels"])


def _free_of_existing(doc: Doc, entities: Entities) -> np.ndarray:
    """Indices of the entities that touch no entity and no blocked token already on the Doc."""
    taken = np.isin(doc.to_array("ENT_IOB"), (1, 3))
    n_taken = np.concatenate([[0], np.cumsum(taken)])
    return np.flatnonzero(n_taken[entities.starts] == n_taken[entities.ends])


def _blocked(doc: Doc) -> list[Span]:
    """The tokens that were marked as never being entities."""
    columns = doc.to_array(["ENT_IOB", "ENT_TYPE"])
    return [doc[i : i + 1] for i in np.flatnonzero((columns[:, 0] == 3) & (columns[:, 1] == 0))]


def _register_probability() -> bool:
    """Register ent._.probability, unless somebody has: also in a process that got the component
    as a pickle. Returns whether it is a plain value and not somebody else's getter or method.
    """
    if not Span.has_extension(PROBABILITY):
        Span.set_extension(PROBABILITY, default=None)
    _, method, getter, _ = Span.get_extension(PROBABILITY)
    return method is None and getter is None


def _no_loss(example: Example, loss: float) -> str:
    text = example.predicted.text
    shown = text if len(text) <= 80 else f"{text[:77]}..."
    if loss == float("inf"):
        return (
            f"The annotation of the document {shown!r} permits no valid sequence of tags: two "
            "parts of it contradict each other. Check its entities."
        )
    return (
        f"The loss on the document {shown!r} is {loss}: the weights or activations have "
        "overflowed. Lower the learning rate, or use precision = \"fp32\"."
    )


def _write_files(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    for name in FILES:
        if name in files:
            (folder / name).write_bytes(files[name])
        else:  # of a trained component that was saved here before
            (folder / name).unlink(missing_ok=True)


def _read_files(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        raise ValueError(f"The saved ner_plus model lacks its folder {folder}.")
    paths = [folder / name for name in FILES]
    return {path.name: path.read_bytes() for path in paths if path.exists()}
