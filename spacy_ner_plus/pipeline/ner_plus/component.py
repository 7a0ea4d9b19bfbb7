"""The component itself: its settings, predicting, and how sure it is."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model

from ...annotation.bounds import Bounds
from ...annotation.gold import register_annotated_labels
from ...annotation.rule_hits import register_rule_hits
from ...annotation.unknown_group import INCORRECT_SPANS
from ...models.decoding.calibration import Calibration
from ...models.decoding.emissions import Emissions
from ...models.decoding.entities import Entities
from ...models.storage.manifest import Content
from ...tags import TagScheme
from ..calibrated import CalibratedPipe
from ..capabilities import Reading, SecondReading, Uncertainty
from ..incorrect_survey import check_incorrect_key
from ..judged_entities import JudgedEntities
from ..saving.saved_model import read_model
from ..thresholds import Threshold
from ..updating import UpdateCounts
from ..validators import Validators
from . import options
from .calibrating import judge
from .learning import LearningPipe
from .options import LabelWeights
from .readings import (
    TagProbabilities,
    k_best_readings,
    readings_of_parts,
    sequence_entropy,
    tag_probabilities,
)
from .restricting import Restrictions
from .rule_learning import RuleLearner
from .rule_scores import IgnoredHits
from .rule_weights import RULE_WEIGHTS, RuleWeights, fault_of_rule_weights
from .second_reading import second_readings
from .token_labels import label_probabilities
from .uncertainties import uncertainties_of_parts


class NerPlus(LearningPipe, CalibratedPipe):
    """Named entity recognition with exact probabilities.

    Sets doc.ents, ent._.probability and doc.spans[spans_key]. The probability of an entity is
    that of exactly this span with exactly this label under the model.

    vocab (Vocab): The shared vocabulary.
    model (Model[List[Doc], Emissions]): The model; its TaggerShim knows the tags.
    name (str): The component's name in the pipeline.
    tag_scheme, existing_ents, spans_key, threshold, label_weights, label_smoothing, focal_gamma,
        within_lines, within_sentences, learn_rule_weights, scorer, validators, incorrect_spans_key,
        consistency: See make_ner_plus.
    RAISES ValueError: If a setting is unknown.
    """

    existing_ents_choices = (*LearningPipe.existing_ents_choices, "constrain")

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
        within_lines: str = "never",
        within_sentences: bool = False,
        learn_rule_weights: bool = False,
        scorer: Callable[..., dict[str, Any]] | None = None,
        validators: Validators = None,
        focal_gamma: float = 0.0,
        incorrect_spans_key: str | None = INCORRECT_SPANS,
        consistency: float = 0.0,
    ) -> None:
        super().__init__(
            vocab,
            model,
            name,
            existing_ents=existing_ents,
            spans_key=spans_key,
            threshold=threshold,
            scorer=scorer,
            validators=validators,
        )
        self.label_weights = options.read_label_weights(label_weights)
        self.label_smoothing = options.read_label_smoothing(label_smoothing)
        self.focal_gamma = options.read_focal_gamma(focal_gamma)
        self.bounds = Bounds(lines=within_lines, sentences=within_sentences)
        check_incorrect_key(incorrect_spans_key, spans_key)
        self.incorrect_spans_key = incorrect_spans_key
        self.learn_rule_weights = options.read_learn_rule_weights(learn_rule_weights)
        self.consistency = options.read_consistency(
            consistency, learns_rule_weights=learn_rule_weights
        )
        self.cfg = {"balanced": {}}
        self.progress = UpdateCounts()
        self._ignored_hits = IgnoredHits(name)
        self._rule_learner = RuleLearner(name)
        self._rehearsal_model = None
        self._teaching = None
        self._set_labels(TagScheme(tag_scheme, []))
        register_annotated_labels()
        register_rule_hits()

    # Predicting

    def predict_under(self, docs: Iterable[Doc], calibration: Calibration) -> list[Entities]:
        """As predict, with the probabilities that there are under a calibration."""
        tagger = replace(self.shim.tagger, calibration=calibration)
        return tagger.decode(self.emissions(docs))

    def emissions(self, docs: Iterable[Doc]) -> Emissions:
        """The scores of the tags, -inf for those that the settings rule out.

        existing_ents = "constrain" rules out all but the entities that are there, within_lines and
        within_sentences what would carry an entity across a line's end or a sentence's start. Hits
        of rules that are on the Docs act too: hard ones and blocks rule out, soft ones add their
        weights.
        """
        docs = list(docs)
        constrains = self.existing_ents == "constrain"
        return self._restricted(docs, self.model.predict(docs), constrains=constrains)

    def _restricted(
        self, docs: Sequence[Doc], emissions: Emissions, *, constrains: bool
    ) -> Emissions:
        restrictions = Restrictions(
            self.name,
            self.bounds,
            constrains=constrains,
            learned=RuleWeights(self.cfg.get(RULE_WEIGHTS, {})),
            ignored=self._ignored_hits,
        )
        return restrictions.apply(docs, emissions, self.shim.scheme)

    def tallies(self) -> list[Counter[Any]]:
        """See EntityPipe.tallies. Hits of rules without effect are among it."""
        return [*super().tallies(), self._ignored_hits.counts]

    # How sure it is

    @property
    def calibration(self) -> Calibration:
        """What is between the model's scores and its probabilities: saved with the tags."""
        return self.shim.calibration

    @calibration.setter
    def calibration(self, calibration: Calibration) -> None:
        self.shim.calibration = calibration

    def judge(self, examples: Iterable[Example]) -> JudgedEntities:
        """Run the model over annotated documents; those without annotation are left out.

        RETURNS (JudgedEntities): Each entity that it finds, with whether it is right.
        """
        return judge(self.model, examples, partial(self._restricted, constrains=False))

    def alternatives(self, span: Doc | Span, k: int = 5) -> list[Reading]:
        """The k most probable readings of a sentence, or of any part of a document, best first.

        For a whole long document they would be trivial variants of each other. The document is
        read anew, whatever its entities are now; with existing_ents = "constrain" these are fixed.

        span (Span / Doc): What to read, with its document around it.
        k (int): How many readings at most.
        RETURNS (List[Reading]): Entities and their joint probability.
        RAISES ValueError: If k is less than 1.
        """
        return k_best_readings(self.shim.tagger, self._emissions_around(span), span, k)

    def readings(
        self, docs: Sequence[Doc], parts: Sequence[Sequence[Doc | Span]], k: int
    ) -> list[list[list[Reading]]]:
        """As alternatives, for several parts of each document, from one run of the model.

        docs (Sequence[Doc]): The documents.
        parts (Sequence[Sequence[Doc / Span]]): For each document, what to read of it.
        k (int): How many readings of each part at most.
        RETURNS (List[List[List[Reading]]]): For each document, for each of its parts.
        """
        return readings_of_parts(self.shim.tagger, self.emissions(docs), parts, k)

    def uncertainties(
        self, docs: Sequence[Doc], parts: Sequence[Sequence[Doc | Span]]
    ) -> list[list[Uncertainty]]:
        """How undecided the model is about parts of each document, from one run of it.

        docs (Sequence[Doc]): The documents.
        parts (Sequence[Sequence[Doc / Span]]): For each document, what to look at of it.
        RETURNS (List[List[Uncertainty]]): For each document, for each of its parts.
        """
        return uncertainties_of_parts(self.shim.tagger, self.emissions(docs), parts)

    def label_probabilities(self, docs: Sequence[Doc], least: float = 0.0) -> list[np.ndarray]:
        """How probable it is that each token is in an entity of each type, exactly.

        They are the sums of the probabilities of all readings that have it: see KnowsTokenLabels.

        RETURNS (List[ndarray]): Per Doc, (n_tokens, n_labels) float64.
        """
        lengths = [len(doc) for doc in docs]
        return label_probabilities(self.shim.tagger, self.emissions(docs), lengths)

    def tag_probabilities(self, span: Doc | Span) -> TagProbabilities:
        """The probabilities of all tags of each token of a part of a document."""
        return tag_probabilities(self.shim.tagger, self._emissions_around(span), span)

    def sequence_entropy(self, span: Doc | Span) -> float:
        """How undecided the model is about a part of a document.

        It is the entropy of its distribution over tag sequences, in nats; 0 if it is sure.
        """
        return sequence_entropy(self.shim.tagger, self._emissions_around(span), span)

    def second_readings(self, examples: Sequence[Example]) -> list[SecondReading]:
        """Where the model reads annotated documents otherwise, and how probable both readings are.

        The predicted Docs are read; entities that are on them do not count.

        examples (Sequence[Example]): Annotated documents.
        RETURNS (List[SecondReading]): One a document.
        """
        docs = [example.predicted for example in examples]
        emissions = self._restricted(docs, self.model.predict(docs), constrains=False)
        return second_readings(self.shim.tagger, emissions, examples)

    def _emissions_around(self, span: Doc | Span) -> Emissions:
        return self.emissions([span if isinstance(span, Doc) else span.doc])

    # What is saved of it

    def fault_of(self, cfg: Mapping[str, Any]) -> str | None:
        """See CalibratedPipe.fault_of. Weights of labels and of rules are looked at too."""
        fault = options.fault_of_weights(cfg.get("balanced"))
        fault = fault or fault_of_rule_weights(cfg.get(RULE_WEIGHTS, {}))
        return fault or super().fault_of(cfg)

    def read_files(self, files: Mapping[str, Content], *, is_verified: bool) -> Callable[[], None]:
        """See SavedPipe.read_files. A tag scheme other than the config's is refused."""
        read = read_model(self.model, files, is_verified=is_verified)
        saved, configured = read.shim.scheme.name, self.shim.scheme.name
        if saved != configured:
            raise ValueError(
                f"'{self.name}' was trained with tag_scheme = {saved!r}, but the config says "
                f"{configured!r}. This setting can't be changed after training."
            )

        def take() -> None:
            read.take()
            self._rehearsal_model = None  # a teacher of other tags

        return take
