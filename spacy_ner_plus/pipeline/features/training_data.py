"""The features and the permitted tags of the training data, for either trainer."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ...annotation.gold import allowed_tags
from ...models.runtime.feature_tagger_shim import FeatureTaggerShim
from ...nn.crf import SpanFactors
from ...text.feature_index import FeatureIndex
from ...text.feature_templates import attributes_of
from ...text.token_attributes import COLUMNS, lacking
from ...text.token_features import TokenFeatures
from ..ner_plus.rejected_spans import read_rejected


@dataclass(frozen=True)
class FeatureData:
    """What there is to learn from.

    examples (List[Example]): Those with some annotation.
    index (FeatureIndex): All features that they have.
    rows: (n_rows, n_templates) int32, the features of each token; those that too few have are left
        out, as if unknown.
    row_tokens: for each example, (n_rows_of_doc,) int64, the tokens that take part in tagging.
    allowed: for each example, (n_rows_of_doc, n_tags) bool, the tags that its annotation permits.
    n_unannotated (int): Examples that were left out.
    rejected (SpanFactors): Spans of the examples that are known to be wrong, where annotation is
        missing; None for none.
    """

    examples: list[Example]
    index: FeatureIndex
    rows: np.ndarray
    row_tokens: list[np.ndarray]
    allowed: list[np.ndarray]
    n_unannotated: int
    rejected: SpanFactors | None = None

    @property
    def n_missing(self) -> int:
        """How many tokens may have more than one tag."""
        return sum(int((own.sum(axis=1) != 1).sum()) for own in self.allowed)

    @property
    def n_features(self) -> int:
        """How many features some token has."""
        return len(np.setdiff1d(self.rows, self.index.none_rows()))


def gather(
    examples: Sequence[Example],
    shim: FeatureTaggerShim,
    name: str,
    min_freq: int,
    incorrect_spans_key: str | None = None,
) -> FeatureData:
    """Read the predicted Docs of the training data, as they are in prediction.

    name (str): The component, for errors.
    min_freq (int): Of features; those that fewer tokens have are left out.
    incorrect_spans_key (str): Where spans are that are known to be wrong; None for nowhere.
    RAISES ValueError: If a feature looks at what other components leave on Docs, and one lacks it.
    """
    docs = [example.predicted for example in examples]
    check_annotated(docs, shim, name)
    reader = TokenFeatures(shim.templates, shim.clusters, None)
    tokens = reader.read(docs)
    _warn_of_no_hits(reader, name)
    allowed = [
        allowed_tags(example, own, shim.scheme)
        for example, own in zip(examples, tokens.row_tokens, strict=True)
    ]
    rejected = read_rejected(examples, incorrect_spans_key, tokens.row_tokens, allowed, shim.scheme)
    teaches = np.array([not own.all() for own in allowed], dtype=bool)  # (n_docs,)
    if rejected is not None:
        teaches[rejected.sequences] = True
    doc_of_row = np.repeat(np.arange(len(docs)), [len(own) for own in tokens.row_tokens])
    empty = FeatureIndex.empty(shim.templates)
    index = FeatureIndex(shim.templates, reader.values, empty.keys).with_keys(tokens, min_freq)
    rows = index.rows(tokens)[teaches[doc_of_row]]  # (n_rows, n_templates)
    is_rare = np.bincount(rows.ravel(), minlength=index.n_rows) < min_freq
    rows = np.where(is_rare[rows], index.none_rows(), rows)
    taught = np.flatnonzero(teaches)
    chosen = taught.tolist()
    return FeatureData(
        examples=[examples[i] for i in chosen],
        index=index,
        rows=rows.astype(np.int32),
        row_tokens=[tokens.row_tokens[i] for i in chosen],
        allowed=[allowed[i] for i in chosen],
        n_unannotated=len(docs) - len(chosen),
        rejected=None if rejected is None else rejected.of_sequences(taught),
    )


def check_annotated(docs: Sequence[Doc], shim: FeatureTaggerShim, name: str) -> None:
    """RAISES ValueError: If a feature looks at what some Doc lacks, with what to do about it."""
    for attribute, doc in lacking(docs, attributes_of(shim.templates)).items():
        raise ValueError(
            f"The features of '{name}' have {attribute!r}, but the document {doc.text[:80]!r} has "
            f"no {COLUMNS[attribute]}: put the component that sets it before '{name}', and into "
            "[training] annotating_components, or leave the feature out."
        )


def _warn_of_no_hits(reader: TokenFeatures, name: str) -> None:
    """Say so where hits of rules are features, and nothing of the training data is hit."""
    if reader.values.get("rules") == ():  # one of its attributes, without any value
        warnings.warn(
            f"The features of '{name}' have 'rules', but no document of the training data has hits "
            f"of rules, so that nothing is learned of them: put a component of rules before "
            f"'{name}', and into [training] annotating_components, or leave the feature out.",
            stacklevel=2,
        )


def annotate(examples: Sequence[Example], nlp: Language | None, name: str) -> None:
    """Run the components over the predicted Docs that [training] annotating_components names.

    Those before this one are run, as they are in `update` and in prediction: so that a feature may
    look at what they leave.

    nlp (Language): The pipeline; None for none.
    name (str): This component.
    """
    if nlp is None or name not in nlp.pipe_names:
        return
    named = nlp.config["training"].get("annotating_components", [])
    before = nlp.pipe_names[: nlp.pipe_names.index(name)]
    for other in (one for one in before if one in named):
        component: Any = nlp.get_pipe(other)
        predicted = [example.predicted for example in examples]
        has_pipe = hasattr(component, "pipe")  # a function has none
        docs = component.pipe(predicted) if has_pipe else map(component, predicted)
        for example, doc in zip(examples, docs, strict=True):
            example.predicted = doc
