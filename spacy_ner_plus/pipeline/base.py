"""What all components that find entities have in common, whatever finds them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Model

from ..annotation.probabilities import register_probability
from ..models.decoding.entities import Entities
from ..models.storage.files import Unsaved
from ..models.storage.manifest import Content
from .annotating import Annotator, check_existing_ents, check_spans_key
from .look_ahead import look_ahead
from .regex_limits import MAX_TIMEOUTS, SECONDS, RegexLimits
from .saving import saved_model
from .saving.pipe import SavedPipe
from .thresholds import Threshold, read_threshold, thresholds
from .validators import Check, ValidatorLimits, Validators, checks, read_validators


class EntityPipe(SavedPipe):
    """A component that finds entities.

    Sets doc.ents, ent._.probability and doc.spans[spans_key]. A subclass has `labels` and
    `predict`, and says what is saved of it: see SavedPipe. One that spaCy trains is a
    TrainableEntityPipe.

    vocab (Vocab): The shared vocabulary.
    name (str): The component's name in the pipeline.
    existing_ents (str): What becomes of entities and blocked tokens that are on the Doc already:
        "keep" leaves them and drops predicted entities that overlap them; "overwrite" replaces
        them. Further choices are the subclass's.
    spans_key (str): doc.spans[spans_key] holds the predicted entities, with their probabilities
        as .attrs["scores"]; None to leave it out.
    threshold (float / Dict[str, float]): Entities with a lower probability are left out: one value
        for all, or one per type.
    scorer (Callable): The scoring method.
    validators (Dict[str, Union[str, Dict[str, str]]]): What entities must satisfy, by type: the
        name of a checksum ("iban", "isbn", "luhn"), or {"regex": "..."}; others are left out.
    RAISES ValueError: If a setting is unknown or out of range.

    Attributes:
        refused (Counter): How many entities the validators left out, by type, in this process.
        regex_budget (float): The seconds of computing that the regex of a validator may take for
            the entities of one document; those that it has no time for are refused.
        regex_max_timeouts (int): After how many documents that took longer it is switched off, and
            all entities of its type are refused.
    """

    # A subclass that finds the best entities around those that are there adds "constrain".
    existing_ents_choices: ClassVar[tuple[str, ...]] = ("keep", "overwrite")

    def __init__(
        self,
        vocab: Vocab,
        name: str,
        *,
        existing_ents: str = "keep",
        spans_key: str | None = None,
        threshold: Threshold = None,
        scorer: Callable[..., dict[str, Any]] | None = None,
        validators: Validators = None,
    ) -> None:
        check_existing_ents(existing_ents, self.existing_ents_choices)
        check_spans_key(spans_key)
        self.vocab = vocab
        self.name = name
        self.existing_ents = existing_ents
        self.spans_key = spans_key
        self.threshold = read_threshold(threshold)
        self.scorer = scorer
        self.regex_budget = SECONDS
        self.regex_max_timeouts = MAX_TIMEOUTS
        self._validator_limits: ValidatorLimits = RegexLimits()
        read_validators(validators, self._validator_limits)
        self.validators = validators
        self.refused: Counter[str] = Counter()
        self.cfg = {}
        register_probability()

    def predict(self, docs: Iterable[Doc]) -> list[Entities]:
        """Find the entities of some Docs, without changing them.

        docs (Iterable[Doc]): The documents, of any length.
        RETURNS (List[Entities]): Per Doc, token spans with indices into `labels` and
            probabilities; NaN for an entity whose probability is not known.
        """
        raise NotImplementedError(f"{type(self).__name__} has no method predict.")

    def least_probabilities(self) -> dict[str, float]:
        """The thresholds by label; labels without one, or with 0, are not among them.

        RAISES ValueError: If a threshold is set for a type that there is not.
        """
        least = self.thresholds().tolist()
        return {label: value for label, value in zip(self.labels, least, strict=True) if value}

    def thresholds(self) -> np.ndarray:
        """The least probability of an entity of each label, (n_labels,) float64.

        RAISES ValueError: If a threshold is set for a type that there is not.
        """
        return thresholds(self.threshold, self.labels)

    def check_settings(self) -> None:
        """RAISES ValueError: If a setting that says what is written to Docs is unknown."""
        check_existing_ents(self.existing_ents, self.existing_ents_choices)
        check_spans_key(self.spans_key)

    def checks(self) -> dict[int, Check]:
        """What looks at the texts of entities, by the index of their label.

        RAISES ValueError: If there is a validator for a type that there is not.
        """
        limits = self._validator_limits
        limits.seconds, limits.max_timeouts = self.regex_budget, self.regex_max_timeouts
        return checks(self.validators, tuple(self.labels), limits)

    @property
    def validator_timeouts(self) -> dict[str, int]:
        """Of how many documents in this process the entities took a validator's regex too long.

        By type. Those with regex_max_timeouts are switched off.
        """
        found: Counter[str] = Counter()
        for (label, _), n in self._validator_limits.timeouts.items():
            found[label] += n
        return dict(found)

    def tallies(self) -> list[Counter[Any]]:
        """What predict counts while it runs, so that it can be taken back.

        That is done where a batch fails and its documents are read again, one by one.
        """
        return [self.refused, self._validator_limits.timeouts]

    def annotator(self) -> Annotator:
        """What writes entities to Docs, by the settings as they are now.

        RAISES ValueError: If a setting is unknown or out of range, or a threshold or validator is
            set for a type that there is not.
        """
        self.check_settings()
        return Annotator(
            self.name,
            [self.vocab.strings.add(label) for label in self.labels],
            self.thresholds(),
            overwrites=self.existing_ents == "overwrite",
            spans_key=self.spans_key,
            checks=self.checks(),
            refused=self.refused,
        )

    def set_annotations(self, docs: Iterable[Doc], scores: list[Entities]) -> None:
        """Write entities and their probabilities to Docs, as annotator() does.

        docs (Iterable[Doc]): The documents.
        scores (List[Entities]): What predict found in them.
        RAISES ValueError: If a setting is wrong, or a probability neither NaN nor from 0 to 1.
        """
        annotator = self.annotator()
        for doc, entities in zip(docs, scores, strict=True):
            annotator.write(doc, entities)

    def __call__(self, doc: Doc) -> Doc:
        """Process one document, in place. If it fails, the error handler gets it.

        doc (Doc): The document.
        RETURNS (Doc): The same, or None if an error handler took it.
        """
        return next(self.pipe([doc]), None)  # type: ignore[return-value]

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Process a stream.

        If a batch fails, its Docs are tried one by one, so that the error handler gets only those
        that fail by themselves. A wrong setting is no document's fault: it is raised.

        stream (Iterable[Doc]): The documents.
        batch_size (int): How many to take at once, at most: see look_ahead.
        YIELDS (Doc): The processed documents in order, without those that failed.
        RAISES ValueError: If a setting is wrong; before the first document is taken, if it is then.
        """
        self.annotator()
        handle_error: Callable[..., object] = self.get_error_handler()
        for docs in look_ahead(stream, max_docs=batch_size):
            annotator = self.annotator()
            for doc, entities in self._find(docs):
                try:
                    annotator.write(doc, entities)
                except Exception as error:
                    handle_error(self.name, self, [doc], error)
                else:
                    yield doc

    def _find(self, docs: list[Doc]) -> Iterator[tuple[Doc, Entities]]:
        """What is in each Doc, without those that fail by themselves."""
        before = [(tally, tally.copy()) for tally in self.tallies()]
        try:
            found = self.predict(docs)
        except Exception as error:
            if len(docs) == 1:
                handle_error: Callable[..., object] = self.get_error_handler()
                handle_error(self.name, self, docs, error)
                return
        else:
            yield from zip(docs, found, strict=True)
            return
        for tally, former in before:
            tally.clear()
            tally.update(former)
        for doc in docs:
            yield from self._find([doc])


class TrainableEntityPipe(EntityPipe, TrainablePipe):
    """An EntityPipe that spaCy trains, by `initialize` and `update` of the subclass.

    It saves its model, which has a TorchShim on its root node and possibly a tok2vec under it. A
    subclass with a model of another kind says itself what is saved: see SavedPipe.

    vocab, name, settings: As in EntityPipe.
    model (Model): The model.
    """

    model: Model[list[Doc], Any]
    file_names = saved_model.ALL_FILES

    def __init__(
        self, vocab: Vocab, model: Model[list[Doc], Any], name: str, **settings: Any
    ) -> None:
        super().__init__(vocab, name, **settings)
        self.model = model

    @property
    def label_data(self) -> list[str]:
        """The labels as JSON-like data, for `init labels`."""
        return list(self.labels)

    def to_files(self) -> dict[str, Unsaved]:
        """See SavedPipe.to_files. They are the model's."""
        return saved_model.to_files(self.model)

    def read_files(self, files: Mapping[str, Content], *, is_verified: bool) -> Callable[[], None]:
        """See SavedPipe.read_files. They are the model's."""
        return saved_model.read_model(self.model, files, is_verified=is_verified).take
