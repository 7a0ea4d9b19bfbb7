"""The component: `nlp.add_pipe("ner_plus")`."""

import warnings
from collections import Counter
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
from thinc.api import Adam, Config, Model, Optimizer, set_dropout_rate
from torch import Tensor

from ..models import folder, saved
from ..models.checkpoint import CheckpointTags
from ..models.emissions import Emissions
from ..models.files import read_msgpack
from ..models.learning import (
    distillation_loss_and_gradient,
    loss_and_gradient,
    tag_log_weights,
)
from ..models.manifest import MANIFEST
from ..models.optimizer import SAFE_ENCODER_RATE
from ..models.saved import SavedComponent
from ..models.shim import TaggerShim, shim_of
from ..models.tagging import Entities, constrain, decode
from ..models.token_tagger import check_rehearsal
from ..models.transformer_tagger import find_origin
from ..tags import TagScheme
from ..text.existing import existing, permitted_tags
from ..text.gold import (
    Lost,
    allowed_tags,
    describe_lost,
    lost_entities,
    register_annotated_labels,
)
from . import options
from .calibrating import Agreement, fit, judge
from .options import LabelWeights, Threshold
from .readings import (
    Reading,
    TagProbabilities,
    k_best_readings,
    sequence_entropy,
    tag_probabilities,
)

PROBABILITY = "probability"
# Docs that a tok2vec gets to see at initialize.
SAMPLE_SIZE = 10

DEFAULT_CONFIG = """
[ner_plus]
tag_scheme = "BILOU"
existing_ents = "keep"
spans_key = "ner_plus"
threshold = null
label_weights = null
label_smoothing = 0.0

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
freeze = null
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
    threshold: float | dict[str, float] | None,
    label_weights: str | dict[str, float] | None,
    label_smoothing: float,
    scorer: Callable[..., dict[str, Any]] | None,
) -> "NerPlus":
    """Create the component.

    model (Model[List[Doc], Emissions]): An architecture such as TransformerTagger.v1.
    tag_scheme (str): "BILOU" or "BIO".
    existing_ents (str): What becomes of entities and blocked tokens that are on the Doc already.
        "keep" leaves them and drops predicted entities that overlap them; "constrain" leaves them
        and finds the best entities around them, with probabilities conditional on them;
        "overwrite" replaces them.
    spans_key (str): doc.spans[spans_key] holds the predicted entities, with their probabilities
        as .attrs["scores"]; None to leave it out.
    threshold (float / Dict[str, float]): Entities with a lower probability are left out: one value
        for all, or one per type. It raises precision and can't raise recall.
    label_weights (Dict[str, float] / str): How much more than 1 it costs in training to miss an
        entity of a type; "balanced" weighs types by the inverse of their numbers. It makes
        probabilities of weighted types too high: calibrate does not undo that.
    label_smoothing (float): Share of each known token's target that is spread over all tags.
    scorer (Callable): The scoring method.
    """
    return NerPlus(
        nlp.vocab,
        model,
        name,
        tag_scheme=tag_scheme,
        existing_ents=existing_ents,
        spans_key=spans_key,
        threshold=threshold,
        label_weights=label_weights,
        label_smoothing=label_smoothing,
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
    tag_scheme, existing_ents, spans_key, threshold, label_weights, label_smoothing, scorer: See
        make_ner_plus.
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
        threshold: Threshold = None,
        label_weights: LabelWeights = None,
        label_smoothing: float = 0.0,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        options.check_existing_ents(existing_ents)
        options.check_threshold(threshold)
        options.check_label_weights(label_weights)
        options.check_label_smoothing(label_smoothing)
        self.vocab = vocab
        self.model = model
        self.name = name
        self.existing_ents = existing_ents
        self.spans_key = spans_key
        self.threshold = threshold
        self.label_weights = label_weights
        self.label_smoothing = label_smoothing
        self.scorer = scorer
        self.cfg: dict[str, Any] = {"tag_scheme": tag_scheme, "labels": [], "balanced": {}}
        self.progress = UpdateCounts()
        # nlp.resume_training puts a copy of the model here
        self._rehearsal_model: Model[list[Doc], Emissions] | None = None
        self._set_labels([])
        _register_probability()
        register_annotated_labels()

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
        """Add an entity type, before training or after.

        A trained model keeps all its weights. The new type starts as a very improbable one; train
        with examples of it, and see nlp.rehearse and doc._.annotated_labels for keeping the others.

        label (str): The type.
        RETURNS (int): 0 if it is there already, 1 if it was added.
        """
        if label in self.labels:
            return 0
        scheme = TagScheme(self.cfg["tag_scheme"], [*self.labels, label])
        if self.tagger.is_built:
            self.tagger.grow(scheme)
        else:
            self.tagger.start(scheme)
        self.vocab.strings.add(label)
        return 1

    def _set_labels(self, labels: Iterable[str], origin: CheckpointTags | None = None) -> None:
        scheme = TagScheme(self.cfg["tag_scheme"], list(labels))
        self._rehearsal_model = None  # a teacher of other tags
        self.tagger.start(scheme, origin)
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

        A fine-tuned token-classification checkpoint brings its own labels and weights for them:
        then nothing else is needed to predict, and examples need not be given. Further labels
        follow after its own.

        get_examples (Callable[[], Iterable[Example]]): Returns examples of the training data.
        nlp (Language): The pipeline.
        labels (List[str]): The entity types, in this order. If None, those of the examples and
            those added with add_label, sorted. If none of them is among a checkpoint's own, only
            its encoder is used.
        RAISES ValueError: If there are no labels, an example has one that is not among those
            given, or the encoder can't be loaded.
        """
        validate_get_examples(get_examples, "NerPlus.initialize")
        counts: Counter[str] = Counter()
        lost: list[Lost] = []
        sample: list[Doc] = []
        for example in get_examples():
            counts.update(ent.label_ for ent in example.reference.ents)
            lost.extend(lost_entities(example))
            if len(sample) < SAMPLE_SIZE and len(example.predicted):
                sample.append(example.predicted)
        origin = find_origin(self.model, labels)
        if labels is None:
            labels = sorted({*counts, *self.labels})
        unknown = set(counts) - set(labels)
        if unknown:
            raise ValueError(
                f"The training data has entities of type {sorted(unknown)}, but the labels given "
                f"to '{self.name}' are {list(labels)}: add the types or take their entities out."
            )
        if origin is not None:
            labels = [*origin.labels, *(label for label in labels if label not in origin.labels)]
        if not labels:
            raise ValueError(
                f"'{self.name}' found no entities in the training data and was given no labels. "
                "Annotate doc.ents, give labels in [initialize.components."
                f"{self.name}] or with add_label, or name a checkpoint that was fine-tuned for "
                "token classification, which has labels of its own."
            )
        if lost:
            warnings.warn(
                f"{len(lost)} of {counts.total()} gold entities can't be learned by "
                f"'{self.name}':\n"
                f"{describe_lost(lost)}",
                stacklevel=2,
            )
        options.check_weighted_labels(self.label_weights, labels)
        self._set_labels(labels, origin)
        self.cfg["balanced"] = options.balanced_weights(counts, labels)
        self.model.initialize(X=sample)

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
        drop (float): Dropout of a tok2vec made of thinc layers. A pretrained encoder's is its
            own, and the head's is a setting of the model.
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
        set_dropout_rate(self.model, drop)
        backprop: Any  # takes the scores' gradient alone: rows have none
        emissions, backprop = self.model.begin_update([eg.predicted for eg in examples])
        loss, gradient = self.get_loss(examples, emissions)
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
        losses, gradient = loss_and_gradient(
            tagger.decoder,
            scores,
            allowed,
            log_weights=self._log_weights(),
            smoothing=self.label_smoothing,
        )
        _check_losses(losses, examples)
        n_annotated = sum(int((~tags.all(axis=1)).sum()) for tags in allowed)
        return float(losses.sum()) / max(1, n_annotated), gradient

    def _log_weights(self) -> np.ndarray | None:
        weights = self.label_weights
        if isinstance(weights, str):
            weights = self.cfg["balanced"]
        options.check_weighted_labels(weights, self.labels)
        return tag_log_weights(self.tagger.scheme, dict(weights)) if weights else None

    def rehearse(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn to go on giving the tag sequences the probabilities that they had when
        nlp.resume_training was called, on examples of which the annotation is not looked at.

        Types that were added since, or have not been learned yet, are left out of the comparison.

        examples (Iterable[Example]): The batch.
        drop, sgd: As in update.
        losses (Dict[str, float]): Updated with the mean Kullback-Leibler divergence per token.
        RETURNS (Dict[str, float]): The losses.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        if self._rehearsal_model is None:
            return losses
        examples = list(examples)
        validate_examples(examples, "NerPlus.rehearse")
        docs = [example.predicted for example in examples]
        if not any(map(len, docs)):
            return losses
        check_rehearsal(self.model, docs)
        set_dropout_rate(self.model, drop)
        teacher = shim_of(self._rehearsal_model)
        n_known_labels = len(teacher.scheme.labels) - len(teacher.fresh_labels)
        known = TagScheme(teacher.scheme.name, teacher.scheme.labels[:n_known_labels])
        backprop: Any
        emissions, backprop = self.model.begin_update(docs)
        divergences, gradient = distillation_loss_and_gradient(
            self.tagger.decoder,
            emissions,
            teacher.decoder,
            self._rehearsal_model.predict(docs),
            known.n_tags,
        )
        _check_losses(divergences, examples)
        backprop(gradient)
        if sgd not in (None, False):
            self.finish_update(sgd)
        losses[self.name] += float(divergences.sum()) / max(1, len(emissions.scores))
        return losses

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
        return decode(
            tagger.decoder,
            tagger.scheme,
            self.emissions(docs),
            calibration=tagger.calibration,
        )

    def emissions(self, docs: Iterable[Doc]) -> Emissions:
        """The scores of the tags, -inf for those that existing_ents = "constrain" rules out."""
        docs = list(docs)
        emissions = self.model.predict(docs)
        if self.existing_ents != "constrain":
            return emissions
        permitted = [
            permitted_tags(existing(doc), tokens, self.tagger.scheme)
            for doc, tokens in zip(docs, emissions.row_tokens, strict=True)
        ]
        return constrain(emissions, permitted)

    def set_annotations(self, docs: Iterable[Doc], scores: list[Entities]) -> None:
        """Write entities and their probabilities to Docs.

        docs (Iterable[Doc]): The documents.
        scores (List[Entities]): What predict found in them.
        """
        labels = [self.vocab.strings.add(label) for label in self.labels]
        least = options.thresholds(self.threshold, self.labels)
        is_stored = _register_probability()
        for doc, entities in zip(docs, scores, strict=True):
            is_wanted = entities.probabilities >= least[entities.labels]
            known = existing(doc)
            if self.existing_ents != "overwrite":
                is_wanted &= known.is_free(entities.starts, entities.ends)
            wanted = np.flatnonzero(is_wanted)
            found = [
                Span(doc, int(start), int(end), labels[label])
                for start, end, label in zip(
                    entities.starts[wanted],
                    entities.ends[wanted],
                    entities.labels[wanted],
                    strict=True,
                )
            ]
            probabilities = entities.probabilities[wanted]
            if self.existing_ents == "overwrite":
                doc.set_ents(found, default="outside")
            else:
                blocked = known.blocked_spans(doc)
                doc.set_ents([*doc.ents, *found], blocked=blocked, default="outside")
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

    # How sure it is

    def calibrate(self, examples: Iterable[Example]) -> Agreement:
        """Make probabilities agree with how often they come true, on annotated documents that the
        model was not trained on. The entities that it finds stay the same.

        examples (Iterable[Example]): Some hundreds of entities at least, better thousands.
        RETURNS (Agreement): Of the probabilities and the annotation, after it. On the same
            documents, so a little too good.
        RAISES ValueError: If there are too few entities, or too few wrong ones.
        """
        judged = judge(self.model, examples)
        self.tagger.calibration = fit(judged)
        return judged.agreement(self.tagger.calibration)

    def agreement(self, examples: Iterable[Example]) -> Agreement:
        """How well probabilities agree with the annotation of documents, as they are now."""
        return judge(self.model, examples).agreement(self.tagger.calibration)

    def alternatives(self, span: Doc | Span, k: int = 5) -> list[Reading]:
        """The k most probable readings of a sentence, or of any part of a document, best first.

        For a whole long document they would be trivial variants of each other. The document is
        read anew, whatever its entities are now; with existing_ents = "constrain" these are fixed.

        span (Span / Doc): What to read, with its document around it.
        k (int): How many readings at most.
        RETURNS (List[Reading]): Entities and their joint probability.
        RAISES ValueError: If k is less than 1.
        """
        return k_best_readings(self.tagger, self._emissions_around(span), span, k)

    def tag_probabilities(self, span: Doc | Span) -> TagProbabilities:
        """The probabilities of all tags of each token of a part of a document."""
        return tag_probabilities(self.tagger, self._emissions_around(span), span)

    def sequence_entropy(self, span: Doc | Span) -> float:
        """How undecided the model is about a part of a document: the entropy of its distribution
        over tag sequences, in nats; 0 if it is sure.
        """
        return sequence_entropy(self.tagger, self._emissions_around(span), span)

    def _emissions_around(self, span: Doc | Span) -> Emissions:
        return self.emissions([span if isinstance(span, Doc) else span.doc])

    # Files: `cfg`, a folder `model` with the shim's files, and the manifest of both

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Serialize to a bytestring.

        exclude (Iterable[str]): Names of parts to leave out: "cfg", "vocab", "model".
        """
        exclude = list(exclude)
        self.cfg["labels"] = self.label_data
        # not the bytes of the whole model: its own settings would win over the config's on load
        parts = saved.pack(self.cfg, self.model, exclude)
        if "vocab" not in exclude:
            parts["vocab"] = self.vocab.to_bytes(exclude=exclude)
        packed: bytes = srsly.msgpack_dumps(parts)
        return packed

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "NerPlus":
        """Load from a bytestring: the reverse of to_bytes. Same settings as to_bytes.

        If it fails, the component stays as it was.
        RAISES ValueError: If the bytes are damaged, of a newer format, or a setting that belongs
            to the weights differs.
        """
        exclude = list(exclude)
        parts = read_msgpack(f"the bytes of '{self.name}'", bytes_data)
        component = saved.unpack(parts, exclude)
        if "vocab" in parts and "vocab" not in exclude:
            self.vocab.from_bytes(parts["vocab"], exclude=exclude)
        self._take(component)
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save to a folder. Weights are safetensors, the rest is JSON, and a manifest has the size
        and SHA-256 of each file.

        path (str / Path): The folder.
        exclude (Iterable[str]): Names of parts to leave out.
        """
        self.cfg["labels"] = self.label_data
        writers = {
            "cfg": lambda p: p.write_bytes(saved.pack_cfg(self.cfg)),
            "vocab": lambda p: self.vocab.to_disk(p, exclude=exclude),
            "model": lambda p: folder.write(p, folder.to_files(self.model)),
            MANIFEST: saved.write_manifest,  # after what it lists
        }
        util.to_disk(path, writers, list(exclude))

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "NerPlus":
        """Load from a folder: the reverse of to_disk.

        All files are compared with the manifest before one is read. If it fails, the component
        stays as it was.
        RAISES ValueError: If files are missing or damaged, of a newer format, or a setting that
            belongs to the weights differs.
        """
        exclude = list(exclude)
        component = saved.read_folder(Path(path), exclude)
        readers: dict[str, Callable[[Path], Any]] = {
            "vocab": lambda p: self.vocab.from_disk(p, exclude=exclude)
        }
        util.from_disk(path, readers, exclude)
        self._take(component)
        return self

    def _take(self, component: SavedComponent) -> None:
        """Become what was saved: all of it, or, with an error, nothing."""
        cfg = self.cfg if component.cfg is None else component.cfg
        if cfg["tag_scheme"] != self.cfg["tag_scheme"]:
            raise ValueError(
                f"'{self.name}' was trained with tag_scheme = {cfg['tag_scheme']!r}, but the "
                f"config says {self.cfg['tag_scheme']!r}. This setting can't be changed after "
                "training."
            )
        wanted = self.tagger.scheme
        if component.cfg is not None:
            wanted = TagScheme(cfg["tag_scheme"], cfg["labels"])
        if component.model is None:
            model, scheme = None, self.tagger.scheme if self.tagger.is_built else wanted
        else:
            model = folder.read_model(
                self.model, component.model, is_verified=component.is_verified
            )
            scheme = model.shim.scheme if component.model else wanted
        if component.cfg is not None and wanted != scheme:
            raise ValueError(
                f"'{self.name}' can't be loaded: its weights are for the scheme {scheme.name} with "
                f"the labels {list(scheme.labels)}, but its cfg says {wanted.name} with "
                f"{list(wanted.labels)}."
            )
        if model is not None:
            model.take()
        if not self.tagger.is_built:
            self._set_labels(scheme.labels)
        self._rehearsal_model = None
        self.cfg = {**self.cfg, **cfg}
        for label in scheme.labels:
            self.vocab.strings.add(label)


def _register_probability() -> bool:
    """Register ent._.probability, unless somebody has: also in a process that got the component
    as a pickle. Returns whether it is a plain value and not somebody else's getter or method.
    """
    if not Span.has_extension(PROBABILITY):
        Span.set_extension(PROBABILITY, default=None)
    _, method, getter, _ = Span.get_extension(PROBABILITY)
    return method is None and getter is None


def _check_losses(losses: np.ndarray, examples: list[Example]) -> None:
    if not np.isfinite(losses).all():
        worst = int(np.flatnonzero(~np.isfinite(losses))[0])
        raise ValueError(_no_loss(examples[worst], float(losses[worst])))


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
