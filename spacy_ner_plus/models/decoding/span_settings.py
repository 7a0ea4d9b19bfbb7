"""The settings of a head of spans, checked where they are given: before anything is loaded."""

from dataclasses import asdict, dataclass
from typing import Any

from ...support.choices import check_choice
from ...support.numbers import as_int

BIAFFINE, CRF_PER_LABEL, BOTH = HEADS = ("biaffine", "crf_per_label", "both")
LABELS, LAYERS = CHAINS = ("labels", "layers")
SCHEMES = ("BILOU", "BIO")


@dataclass(frozen=True, kw_only=True)
class SpanHeadSettings:
    """What a head of spans is. All of it belongs to the weights.

    head (str): "biaffine", "crf_per_label" or "both": see build_transformer_spans_v1.
    max_width (int): Tokens of the widest spans that a biaffine head can find.
    hidden_width (int): Numbers of a token as the first one of a span, as the last one, and as one
        of it.
    convolutions (int): Convolutions over spans that are next to each other; 0 for none.
    channels (int): Numbers of a span within them.
    chains (str): What has chains of its own: each of the "labels", or all of them together, as
        "layers".
    max_levels (int): The most chains of a label, or layers.
    tag_scheme (str): Of the tags of each chain.
    RAISES ValueError: A setting is out of range.
    """

    head: str = BIAFFINE
    max_width: int = 12
    hidden_width: int = 128
    convolutions: int = 1
    channels: int = 64
    chains: str = LABELS
    max_levels: int = 3
    tag_scheme: str = "BILOU"

    def __post_init__(self) -> None:
        check_choice("head", self.head, HEADS)
        check_choice("chains", self.chains, CHAINS)
        check_choice("tag_scheme", self.tag_scheme, SCHEMES)
        for name in ("max_width", "hidden_width", "convolutions", "channels", "max_levels"):
            value = as_int(getattr(self, name), name)
            least = 0 if name == "convolutions" else 1
            if value < least:
                raise ValueError(f"{name} = {value} must be at least {least}.")
            object.__setattr__(self, name, value)  # it is frozen, and may have been given text

    def as_structure(self) -> dict[str, Any]:
        """The settings by name, as they are saved and compared on load."""
        return asdict(self)
