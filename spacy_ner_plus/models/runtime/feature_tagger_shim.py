"""The shim of a tagger over hand-written features: a FeatureTagger, and which features it knows."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from spacy.tokens import Doc
from torch import Tensor

from ...nn.crf import CRF
from ...nn.crf.growth import grow_scores
from ...nn.heads.feature_head import FeatureHead, FeatureTagger
from ...nn.heads.new_labels import NEW_LABEL_SCORE
from ...tags import TagScheme
from ...text.feature_index import FeatureIndex
from ...text.feature_templates import FeatureTemplate
from ...text.token_features import MAX_WORDS, TokenFeatures
from ...text.word_clusters import WordClusters
from ..storage.feature_files import pack_features, unpack_features
from ..storage.files import FEATURES, WEIGHTS, Unsaved
from ..storage.manifest import Content
from .feature_scorer import FeatureScorer
from .shim_settings import TorchSettings
from .tagger_shim import TaggerShim

# Bytes that the sums of words' weights take at most, about.
MAX_SUMS = 1 << 27
LEAST_WORDS = 1 << 10


class FeatureTaggerShim(TaggerShim):
    """A FeatureTagger with the features that it knows. It runs on the CPU.

    templates (Tuple[FeatureTemplate, ...]): What the features look at. They belong to the weights.

    Attributes:
        index (FeatureIndex): The known features, in the order of the weights' rows.
        clusters (WordClusters): Of words; None if no feature looks at any.
    """

    index: FeatureIndex
    clusters: WordClusters | None

    def __init__(self, templates: tuple[FeatureTemplate, ...]) -> None:
        settings = TorchSettings(device="cpu", precision="fp32", head_lr_scale=1.0)
        super().__init__(settings, use_crf=True, dropout=0.0)
        self.templates = templates
        self.index = FeatureIndex.empty(templates)
        self.clusters = None
        self._scorer: FeatureScorer | None = None
        self._scored: tuple[Any, ...] = ()  # the weights that the scorer was made of

    # The module

    def place_features(self, index: FeatureIndex, clusters: WordClusters | None) -> None:
        """Take a module that knows some features, with weights that are all 0."""
        self.index, self.clusters = index, clusters
        self.place(FeatureTagger(self._make_features(index.n_rows)))

    def _make_features(self, n_features: int) -> FeatureHead:
        return FeatureHead(n_features, self.make_decoder())

    def rebuild(self, saved: dict[str, Any]) -> FeatureTagger:
        """See TorchShim.rebuild. The features are those of the index, which is read before."""
        return FeatureTagger(self._make_features(self.index.n_rows))

    def grow(self, scheme: TagScheme) -> None:
        """See TaggerShim.grow."""
        old, n_old, known = self.module.head, self.scheme.n_tags, self.scheme.labels
        self.scheme = scheme
        head = self._make_features(self.index.n_rows)
        with torch.no_grad():
            for new, weights in ((head.weight, old.weight), (head.bias, old.bias)):
                new[..., :n_old] = weights
                new[..., n_old:] = weights[..., :1]  # those of O
            head.bias[n_old:] += NEW_LABEL_SCORE
            if isinstance(old.decoder, CRF) and isinstance(head.decoder, CRF):
                grow_scores(old.decoder, head.decoder)
        self.module.head = head.train(self.module.training)
        self.place(self.module)
        self.fresh_labels += tuple(label for label in scheme.labels if label not in known)

    # From Docs to its input and output

    def reader(self) -> TokenFeatures:
        """What gives the values of the features that are known."""
        n_offsets = len({term.offset for t in self.templates for term in t.terms})
        most = min(MAX_SUMS // (8 * n_offsets * self.scheme.n_tags), MAX_WORDS)
        return TokenFeatures(
            self.templates, self.clusters, self.index.values, max_words=max(most, LEAST_WORDS)
        )

    def read_docs(self, docs: Sequence[Doc]) -> tuple[Tensor, Tensor, list[np.ndarray]]:
        """The module's input.

        RETURNS: The features of all tokens (n,) and where each token's begin (n_rows,), int64; and
            for each Doc (n_rows_of_doc,) int64, the tokens that take part in tagging.
        """
        tokens = self._scorer_of_now().reader.read(docs)
        return *flat_features(self.index, self.index.rows(tokens)), tokens.row_tokens

    def score(self, docs: Sequence[Doc]) -> tuple[Tensor, list[np.ndarray]]:
        """The emissions of some Docs (n_rows, n_tags) float32, and the tokens of each Doc's rows.

        They are those of the module up to the rounding of its sums, and take less time.
        """
        scores, row_tokens = self._scorer_of_now().score(docs)
        return torch.from_numpy(scores), row_tokens

    def _scorer_of_now(self) -> FeatureScorer:
        """The scorer of the weights as they are: they may have learned since."""
        head = self.module.head
        scored = (self.index, head.weight, head.weight._version, head.bias, head.bias._version)
        is_same = len(scored) == len(self._scored) and all(
            one is other or (isinstance(one, int) and one == other)
            for one, other in zip(scored, self._scored, strict=True)
        )
        if self._scorer is None or not is_same:
            weights, bias = (part.detach().numpy() for part in (head.weight, head.bias))
            self._scorer = FeatureScorer(self.index, self.reader(), weights, bias)
            self._scored = scored
        return self._scorer

    # Files

    @property
    def structure(self) -> dict[str, Any]:
        """See TorchShim.structure. What the features look at belongs to it."""
        return {**super().structure, "features": [str(template) for template in self.templates]}

    def to_files(self) -> dict[str, Unsaved]:
        """As TaggerShim.to_files, with the features."""
        files = super().to_files()
        if self.is_built:
            files[FEATURES] = pack_features(self.index, self.clusters)
        return files

    def read_files(self, files: Mapping[str, Content], *, is_verified: bool) -> Self:
        """As TaggerShim.read_files."""
        own = dict(files)
        content = own.pop(FEATURES, None)
        if (content is None) == (WEIGHTS in own):
            raise ValueError(
                f"The saved pipeline {'lacks' if content is None else 'has'} {FEATURES}, so it was "
                "saved with another architecture than that of its component's model in the config."
            )
        carrier = self._twin()
        carrier._scorer, carrier._scored = None, ()
        carrier.index, carrier.clusters = FeatureIndex.empty(self.templates), None
        if content is not None:
            carrier.index, carrier.clusters = unpack_features(content, self.templates)
        return super(FeatureTaggerShim, carrier).read_files(own, is_verified=is_verified)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_scorer": None, "_scored": ()}


def flat_features(index: FeatureIndex, rows: np.ndarray) -> tuple[Tensor, Tensor]:
    """The features that tokens have, one token after the other, and where each token's begin.

    rows: (n_rows, n_templates) int64, of FeatureIndex.rows.
    RETURNS: (n,) and (n_rows,), int64.
    """
    is_known = rows != index.none_rows()
    counts = is_known.sum(axis=1)  # (n_rows,)
    starts = np.cumsum(counts) - counts
    return torch.from_numpy(rows[is_known]), torch.from_numpy(starts)
