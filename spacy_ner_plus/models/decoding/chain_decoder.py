"""The head with a CRF for each label and level as a decoder of spans.

A span's probability is that of any of its label's chains having it, 1 - product of (1 - p), with
the exact p of each: see LabelLattice.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ...nesting.chain_plan import ChainPlan
from ...nesting.chain_spans import derive_chains
from ...nn.crf.transfer import to_device
from ...nn.heads.chain_growth import with_chains
from ...nn.heads.chain_head import ChainHead
from .chain_rejects import ChainRejects
from .chain_targets import ChainTargets, chain_targets, placed_spans
from .emissions import Emissions
from .log_odds import log_odds, sigmoid
from .losses import overflown_docs
from .rejected import count_known
from .row_features import RowFeatures
from .row_gold import RowGold
from .row_spans import RowSpans, join_row_spans
from .span_calibration import SpanCalibration
from .span_decoder import HeadShape, SpanDecoder, SpanLearning, SpanLosses, UnlearnableSpans
from .span_settings import LAYERS, SpanHeadSettings

logger = logging.getLogger("spacy_ner_plus")

# The search takes time in proportion to one over the least probability, so it ends here, whatever
# a threshold or a calibration asks for.
LEAST = 1e-4


class ChainDecoder(SpanDecoder[ChainHead]):
    """Reads spans of any width from a ChainHead."""

    unheeded: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"negative_weight": "negative_weight", "smoothing": "boundary_smoothing"}
    )

    @classmethod
    def plan_chains(
        cls,
        settings: SpanHeadSettings,
        labels: Sequence[str],
        batches: Iterable[Sequence[RowGold]],
    ) -> ChainPlan:
        """As many levels as are in the data, but at most so many. See SpanDecoder.plan_chains."""
        derived = derive_chains(
            (placed_spans(one, labels) for gold in batches for one in gold),
            labels,
            most_levels=settings.max_levels,
            layered=settings.chains == LAYERS,
        )
        logger.info("%s", derived.describe())
        return derived.plan

    @classmethod
    def make_head(cls, shape: HeadShape) -> ChainHead:
        """See SpanDecoder.make_head."""
        plan = _plan_of(shape)
        return ChainHead(shape.width, plan, shape.settings.tag_scheme, dropout=shape.dropout)

    @classmethod
    def grown_head(cls, head: ChainHead, shape: HeadShape) -> ChainHead:
        """See SpanDecoder.grown_head."""
        return with_chains(head, _plan_of(shape))

    def score_spans(
        self, rows: RowFeatures, *, floor: float, calibration: SpanCalibration
    ) -> RowSpans:
        """See SpanDecoder.score_spans. Spans below LEAST before calibration are not looked at."""
        crfs = self.head.crfs
        emissions = Emissions(rows.features, rows.row_tokens)
        least = least_uncalibrated(floor, calibration)
        found = []
        with torch.no_grad():
            for group in emissions.groups(crfs.n_chains):
                lattice = crfs.span_lattice(emissions.scores[group.rows], group.layout)
                spans, log_probs = crfs.likely_spans(lattice, least)
                scored = RowSpans(
                    group.docs[spans.sequences],
                    spans.starts,
                    spans.ends,
                    spans.labels,
                    calibration.of_spans(np.exp(log_probs), spans.labels, self.labels),
                )
                found.append(scored.those(scored.probabilities >= floor))
        return join_row_spans(found)

    def raw_scores(self, rows: RowFeatures) -> Tensor:
        """The emissions of all chains. See SpanDecoder.raw_scores."""
        return rows.features.flatten()

    def losses(
        self, rows: RowFeatures, gold: Sequence[RowGold], learning: SpanLearning
    ) -> SpanLosses:
        """The negative log-likelihood of what is known in all chains. See SpanDecoder.losses.

        An entity's score is less by the log of its label's weight, as in decoding.losses. So at
        each level its odds become so many times those of the data.
        """
        crfs, device = self.head.crfs, rows.features.device
        targets = [self._targets(one) for one in gold]
        nothing = np.zeros((0, crfs.n_tags), dtype=bool)
        by_doc = [one.allowed for one in targets]  # (n_rows_of_doc, chains * tags) each
        rejects = ChainRejects.of_docs(
            [one.rejected for one in gold], by_doc, crfs.scheme, crfs.label_ids, device
        )
        emissions = Emissions(rows.features, rows.row_tokens, rejects.of_all)
        n_known = count_known(by_doc, emissions.spans)
        n_left_out = sum(int(one.left_out.sum()) for one in targets)
        of_docs = torch.zeros(len(gold), dtype=torch.float64, device=device)
        overflown = overflown_docs(crfs, emissions)
        if len(overflown):
            of_docs[to_device(overflown, device)] = torch.nan
            return SpanLosses(of_docs, n_known, n_left_out)
        permitted = to_device(np.concatenate([nothing, *by_doc]), device)  # (n_rows, chains * tags)
        scores = rows.features - self._log_weights(learning).to(device)  # as permitted
        for group in emissions.groups(crfs.n_chains):
            of_group = crfs.loss(
                scores[group.rows],
                group.layout,
                permitted[group.rows],
                spans=None if group.spans is None else rejects.of_group(group.docs),
            )
            of_docs = of_docs.index_add(0, to_device(group.docs, device), of_group)
        return SpanLosses(of_docs, n_known, n_left_out)

    def left_out(self, gold: RowGold) -> list[UnlearnableSpans]:
        """Those that no chain holds. See SpanDecoder.left_out."""
        targets, plan = self._targets(gold), self.head.plan
        among = "any label" if plan.is_layered else "their label"
        return [
            UnlearnableSpans(
                f"lie within more others of {among} than there are levels",
                "A larger max_levels takes more time, in proportion.",
                targets.too_deep,
            ),
            UnlearnableSpans(
                f"cross others of {among} at the same level",
                'A head that is "biaffine" can learn such.',
                targets.crossing,
            ),
            UnlearnableSpans(
                "lie where only some labels were looked for, so that nobody knows their layer",
                'With chains = "labels" they can be learned.',
                targets.unplaced,
            ),
        ]

    def _targets(self, gold: RowGold) -> ChainTargets:
        return chain_targets(gold, self.head.plan, self.head.crfs.scheme.name)

    def _log_weights(self, learning: SpanLearning) -> Tensor:
        """The log of the weight of the label of each tag that begins an entity, (chains * tags,).

        It is 0 for other tags.
        """
        crfs = self.head.crfs
        weights = np.zeros((crfs.n_chains, crfs.n_tags_each))
        if learning.label_weights is not None:
            of_labels = np.log(learning.label_weights)[crfs.label_ids]  # (chains, labels of each)
            weights[:, crfs.scheme.first] = of_labels
            weights[:, crfs.scheme.unit] = of_labels
        return torch.from_numpy(weights.reshape(-1)).float()


def least_uncalibrated(floor: float, calibration: SpanCalibration) -> float:
    """A probability below which, for no label, calibration gives the floor; at least LEAST."""
    lines = [calibration.line, *calibration.by_label.values()]
    wanted = log_odds(np.array([floor]))
    leasts = [float(sigmoid((wanted - line.intercept) / line.slope)[0]) for line in lines]
    return float(np.clip(min(leasts) * (1 - 1e-9), LEAST, 1.0))


def _plan_of(shape: HeadShape) -> ChainPlan:
    if shape.chains is None or shape.chains.labels != shape.labels:
        raise TypeError(f"a head of chains for {shape.labels} has the plan {shape.chains}")
    return shape.chains
