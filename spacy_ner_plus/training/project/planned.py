"""A plan: settings of a config, each with the reason for its value."""

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .span_plan import SpanPlan

SPANS_FACTORY = "ner_plus_spans"


@dataclass(frozen=True)
class Choice:
    """A value of the config, and why it is this one."""

    value: int | float | str
    why: str

    def __str__(self) -> str:
        if isinstance(self.value, float):  # 0.00002, not 2e-05
            return f"{self.value:.7f}".rstrip("0")
        return str(self.value)


@dataclass(frozen=True)
class ModelPlan:
    """The settings of a config that depend on data, encoder and device: further fields, Choices.

    about (str): What they were made for.
    why (str): Why it is this kind of model; empty if there was no choice.
    spans (Optional[SpanPlan]): The settings for entities within entities; None for flat ones.
    """

    kind: ClassVar[str]
    """The kind of model, see model_table.KINDS."""
    flat_factory: ClassVar[str] = "ner_plus"
    """The factory of its component for flat entities."""
    flat_component: ClassVar[str] = "ner_plus"
    """The name of that component in the pipeline."""

    about: str
    why: str = field(default="", kw_only=True)
    spans: "SpanPlan | None" = field(default=None, kw_only=True)

    @property
    def factory(self) -> str:
        """The factory of its component."""
        return self.flat_factory if self.spans is None else SPANS_FACTORY

    @property
    def component(self) -> str:
        """The component's name in the pipeline."""
        return self.flat_component if self.spans is None else SPANS_FACTORY

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, value and reason of each, for a table."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if self.spans is not None:
            values |= {field.name: getattr(self.spans, field.name) for field in fields(self.spans)}
        choices = {name: value for name, value in values.items() if isinstance(value, Choice)}
        return [(name, str(choice), choice.why) for name, choice in choices.items()]
