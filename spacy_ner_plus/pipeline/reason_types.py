"""Why a component decides as it does: what it weighs, as plain data."""

from dataclasses import dataclass


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
class StrongestWeights:
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
