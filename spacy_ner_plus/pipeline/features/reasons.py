"""Why a model over hand-written features decides so: its weights, and what they add up to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc

from ...models.decoding.emissions import Emissions
from ...models.decoding.entities import Tagger
from ...models.runtime.feature_tagger_shim import FeatureTaggerShim
from ...nn.crf import CRF

BIAS = "bias"


@dataclass(frozen=True, slots=True)
class TagWeight:
    """What a feature adds to the score of a tag.

    feature (str): Such as "lower[-1]=in".
    tag (str): Such as "B-Disease".
    weight (float): In nats; at temperature 1.
    """

    feature: str
    tag: str
    weight: float


@dataclass(frozen=True, slots=True)
class TransitionWeight:
    """What it adds to the score of a sequence that one tag follows another."""

    before: str
    after: str
    weight: float


@dataclass(frozen=True, slots=True)
class LabelWeights:
    """The strongest weights of a label's tags.

    label (str): The label; "O" for being in no entity.
    pro, contra (List[TagWeight]): Features that speak for and against one of its tags, strongest
        first.
    transitions (List[TransitionWeight]): Between its tags, and between them and others, strongest
        first, of either sign; those that the tag scheme forbids are left out.
    """

    label: str
    pro: list[TagWeight]
    contra: list[TagWeight]
    transitions: list[TransitionWeight]


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a feature of a token adds to the scores of two tags: of its own, and of the next best.

    feature (str): Such as "suffix3=oma", or "bias".
    """

    feature: str
    for_tag: float
    for_other: float

    @property
    def difference(self) -> float:
        """By how much it favours the token's tag."""
        return self.for_tag - self.for_other


@dataclass(frozen=True, slots=True)
class TokenReasons:
    """Why a token has its tag in the best sequence of tags.

    token (int), text (str): The token.
    tag (str), probability (float): Its tag, and how probable it is at the calibrated temperature.
    other (str), other_probability (float): The most probable one of the others.
    features (List[Contribution]): Those that favour either of them, strongest first; with the
        bias, the sums of their parts are the scores of both tags.
    before, before_other (Optional[float]): What the transition from the tag before adds, and what
        it would with the other tag; -inf if that is forbidden, None at the start.
    after, after_other (Optional[float]): Likewise, to the tag behind; None at the end.
    """

    token: int
    text: str
    tag: str
    probability: float
    other: str
    other_probability: float
    features: list[Contribution]
    before: float | None
    before_other: float | None
    after: float | None
    after_other: float | None


def strongest_weights(shim: FeatureTaggerShim, label: str, n: int) -> LabelWeights:
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
    return LabelWeights(
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

    emissions (Emissions): Of this Doc, with what the settings rule out.
    """
    [tokens] = emissions.row_tokens
    if not len(tokens):
        return []
    [group] = emissions.groups()
    tags = tagger.decoder.decode(emissions.scores, group.layout).numpy()  # (n_rows,)
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
