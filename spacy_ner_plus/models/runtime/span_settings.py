"""The settings of a head of spans, checked where they are given: before anything is loaded."""

from dataclasses import asdict, dataclass
from typing import Any

from ...nn.heads.span_band import BandSizes
from ...support.numbers import as_int
from .shim_settings import check_choice

BIAFFINE = "biaffine"
HEADS = (BIAFFINE,)


@dataclass(frozen=True, kw_only=True)
class SpanHeadSettings:
    """What a head of spans is. All of it belongs to the weights.

    head (str): "biaffine".
    max_width (int): Tokens of the widest spans that it can find.
    hidden_width (int): Numbers of a token as the first one of a span, as the last one, and as one
        of it.
    convolutions (int): Convolutions over spans that are next to each other; 0 for none.
    channels (int): Numbers of a span within them.
    RAISES ValueError: A setting is out of range.
    """

    head: str = BIAFFINE
    max_width: int = 12
    hidden_width: int = 128
    convolutions: int = 0
    channels: int = 64

    def __post_init__(self) -> None:
        check_choice("head", self.head, HEADS)
        for name in ("max_width", "hidden_width", "convolutions", "channels"):
            value = as_int(getattr(self, name), name)
            least = 0 if name == "convolutions" else 1
            if value < least:
                raise ValueError(f"{name} = {value} must be at least {least}.")
            object.__setattr__(self, name, value)  # it is frozen, and may have been given text

    def sizes(self, width: int, n_labels: int) -> BandSizes:
        """How large the parts of the head are, over token vectors of this length."""
        return BandSizes(
            width=width,
            n_labels=n_labels,
            max_width=self.max_width,
            hidden_width=self.hidden_width,
            n_blocks=self.convolutions,
            channels=self.channels,
        )

    def as_structure(self) -> dict[str, Any]:
        """The settings by name, as they are saved and compared on load."""
        return asdict(self)
