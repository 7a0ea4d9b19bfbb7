"""Why a model over hand-written features decides so: its weights, and what they add up to."""

from collections.abc import Sequence

import numpy as np
from spacy.tokens import Doc

from ...models.decoding.emissions import Emissions
from ...models.decoding.entities import Tagger
from ...models.runtime.feature_tagger_shim import FeatureTaggerShim
from ...nn.crf import CRF
from ..reason_types import (
    Contribution,
    StrongestWeights,
    TagWeight,
    TokenReasons,
    TransitionWeight,
)

BIAS = "bias"


def strongest_weights(shim: FeatureTaggerShim, label: str, n: int) -> StrongestWeights:
    """The strongest weights of a label's tags.

    label (str): One of the model's, or "O".
    n (int): Of each kind, at most.
    RAISES ValueError: If the model does not know the label.
    """
    scheme = shim.scheme
    if label not in (*scheme.labels, scheme.tags[0]):
        raise ValueError(
            f"The model knows no label {label!r}: use one of {[*scheme.labels, scheme.tags[0]]}."
        )
    is_own = np.array([tag.partition("-")[2] == label or tag == label for tag in scheme.tags])
    own = np.flatnonzero(is_own)  # (n_own,)
    weights = shim.module.head.weight.detach().numpy()[:, own]  # (n_features, n_own)
    order = np.argsort(weights, axis=None)
    least, most = order[:n], order[::-1][:n]
    return StrongestWeights(
        label,
        [w for w in _tag_weights(shim, weights, most, own) if w.weight > 0],
        [w for w in _tag_weights(shim, weights, least, own) if w.weight < 0],
        _transitions(shim, is_own, n),
    )


def _tag_weights(
    shim: FeatureTaggerShim, weights: np.ndarray, chosen: np.ndarray, own: np.ndarray
) -> list[TagWeight]:
    rows, columns = np.unravel_index(chosen, weights.shape)
    names = shim.index.names(rows)
    return [
        TagWeight(name, shim.scheme.tags[own[column]], float(weights[row, column]))
        for name, row, column in zip(names, rows, columns, strict=True)
    ]


def _transitions(shim: FeatureTaggerShim, is_own: np.ndarray, n: int) -> list[TransitionWeight]:
    scores, tags = _transition_scores(shim), shim.scheme.tags
    of_label = (is_own[:, None] | is_own[None, :]) & np.isfinite(scores)
    pairs = np.argwhere(of_label)  # (n_pairs, 2)
    strength = np.abs(scores[of_label])
    return [
        TransitionWeight(tags[before], tags[after], float(scores[before, after]))
        for before, after in pairs[np.argsort(-strength, kind="stable")[:n]].tolist()
    ]


def _transition_scores(shim: FeatureTaggerShim) -> np.ndarray:
    """(n_tags, n_tags): -inf where the scheme forbids it."""
    decoder = shim.decoder
    assert isinstance(decoder, CRF)
    return np.where(shim.scheme.transitions, decoder.transition.detach().numpy(), -np.inf)


def reasons(
    shim: FeatureTaggerShim, tagger: Tagger, doc: Doc, emissions: Emissions
) -> list[TokenReasons]:
    """Why each token of a Doc has its tag; tokens that take no part in tagging are left out.

    emissions (Emissions): Of this Doc, with what the settings rule out and hits of rules weigh.
    """
    [tokens] = emissions.row_tokens
    if not len(tokens):
        return []
    [group] = emissions.groups()
    best = tagger.decoder.decode(emissions.scores[group.rows], group.layout, spans=group.spans)
    tags = best.numpy()  # (n_rows,)
    marginals = tagger.lattice(emissions, group).marginals().numpy()  # (n_rows, n_tags)
    masked = marginals.copy()
    masked[np.arange(len(tags)), tags] = -1.0
    others = masked.argmax(axis=1)  # (n_rows,)
    values = shim.reader().read([doc])
    rows, none = shim.index.rows(values), shim.index.none_rows()
    scores, names = _transition_scores(shim), shim.scheme.tags
    found = []
    for at, token in enumerate(tokens.tolist()):
        tag, other = int(tags[at]), int(others[at])
        before = int(tags[at - 1]) if at else None
        after = int(tags[at + 1]) if at + 1 < len(tags) else None
        found.append(
            TokenReasons(
                token=token,
                text=doc[token].text,
                tag=names[tag],
                probability=float(marginals[at, tag]),
                other=names[other],
                other_probability=float(marginals[at, other]),
                features=_contributions(shim, rows[at][rows[at] != none], tag, other),
                before=None if before is None else float(scores[before, tag]),
                before_other=None if before is None else float(scores[before, other]),
                after=None if after is None else float(scores[tag, after]),
                after_other=None if after is None else float(scores[other, after]),
            )
        )
    return found


def _contributions(
    shim: FeatureTaggerShim, rows: np.ndarray, tag: int, other: int
) -> list[Contribution]:
    """rows: (n,) the token's features."""
    head = shim.module.head
    both: Sequence[tuple[str, np.ndarray]] = [
        (BIAS, head.bias.detach().numpy()),
        *zip(shim.index.names(rows), head.weight.detach().numpy()[rows], strict=True),
    ]
    found = [Contribution(name, float(own[tag]), float(own[other])) for name, own in both]
    kept = [one for one in found if one.for_tag or one.for_other]
    return sorted(kept, key=lambda one: -abs(one.difference))
