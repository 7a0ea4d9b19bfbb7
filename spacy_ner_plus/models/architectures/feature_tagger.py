"""`spacy_ner_plus.FeatureTagger.v1`: a linear layer over hand-written features, and a CRF."""

from collections.abc import Callable, Sequence
from typing import Any

from spacy import registry
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import ArgsKwargs
from torch import Tensor

from ...text.feature_index import FeatureIndex
from ...text.feature_templates import attributes_of, number_of, read_templates
from ...text.word_clusters import WordClusters
from ..decoding.emissions import Emissions
from ..runtime.feature_tagger_shim import FeatureTaggerShim
from ..runtime.tagger_shim import shim_of

# What finds names in newspaper text best, of what was tried: see docs/features.md.
FEATURES = (
    "lower[-2..2]",
    "word[-1..1]",
    "prefix1", "prefix2", "prefix3", "prefix4",
    "suffix1", "suffix2", "suffix3", "suffix4",
    "shape[-1..1]",
    "short_shape[-2..2]",
    "casing[-1..1]",
    "lower[-1]+lower",
    "lower+lower[1]",
    "short_shape[-1]+short_shape",
    "short_shape+short_shape[1]",
    "short_shape[-1]+short_shape+short_shape[1]",
    "capitals",
    "capitals+short_shape",
    "rules[-1..1]",
)  # fmt: skip


@registry.architectures("spacy_ner_plus.FeatureTagger.v1")
def build_feature_tagger_v1(
    features: Sequence[str] = FEATURES, clusters: str | None = None
) -> Model[list[Doc], Emissions]:
    """A weight for each feature and tag, and a CRF: for little data and little time.

    The component ner_plus_features learns the weights when it is initialized. The model runs on
    the CPU.

    features (List[str]): What is looked at, by name: see docs/features.md. They belong to the
        weights.
    clusters (str): A file with the cluster of each word, for features such as "cluster6". It is
        read at initialize and saved with the model.
    RETURNS (Model[List[Doc], Emissions]): One row of tag scores per token that can be tagged.
    RAISES ValueError: A feature is unknown, or looks at clusters and there are none.
    """
    templates = read_templates(features)
    of_clusters = [n for n in attributes_of(templates) if number_of(n)[0] == "cluster"]
    if bool(of_clusters) != (clusters is not None):
        raise ValueError(
            f"features has {of_clusters[0]!r}: set clusters to a file with a word and its cluster "
            "in each line, with a tab between them."
            if of_clusters
            else f"clusters = {clusters!r} is read by none of the features: add some, such as "
            '"cluster4" and "cluster6" for paths of that length, or leave it out.'
        )
    return Model(
        "ner_plus_features",
        _forward,
        init=_initialize,
        attrs={"clusters": clusters},
        shims=[FeatureTaggerShim(templates)],
    )


def _initialize(
    model: Model[list[Doc], Emissions],
    X: Any = None,  # noqa: N803 (thinc's names)
    Y: Any = None,  # noqa: N803
) -> None:
    """Read the clusters, and know no feature: the component learns them."""
    shim = feature_shim_of(model)
    path = model.attrs["clusters"]
    clusters = None if path is None else WordClusters.read(path)
    shim.place_features(FeatureIndex.empty(shim.templates), clusters)


def _forward(
    model: Model[list[Doc], Emissions], docs: list[Doc], is_train: bool
) -> tuple[Emissions, Callable[[Tensor], list[Doc]]]:
    shim = feature_shim_of(model)
    if not is_train:
        return Emissions(*shim.score(docs)), _no_gradient
    features, starts, row_tokens = shim.read_docs(docs)
    scores, backprop_torch = shim(ArgsKwargs(args=(features, starts), kwargs={}), is_train)

    def backprop(d_scores: Tensor) -> list[Doc]:
        backprop_torch(ArgsKwargs(args=((scores,),), kwargs={"grad_tensors": (d_scores,)}))
        return []  # text has no gradient

    return Emissions(scores, row_tokens), backprop


def _no_gradient(d_scores: Tensor) -> list[Doc]:
    raise ValueError("What was predicted has no gradient: call begin_update.")


def feature_shim_of(model: Model) -> FeatureTaggerShim:
    """The shim of a model over features. RAISES ValueError: If the model is another one."""
    shim = shim_of(model)
    if not isinstance(shim, FeatureTaggerShim):
        raise ValueError(
            "The component ner_plus_features needs a model that scores features: "
            '@architectures = "spacy_ner_plus.FeatureTagger.v1".'
        )
    return shim
