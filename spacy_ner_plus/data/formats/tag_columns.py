"""Columns of a file that hold tags of entities: which they are, and what they say of a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from .tag_forms import PLAIN, TagForm

# A heading, or a key in MISC, that says that entities are meant. All before the last colon is a
# name space, and a number at the end that of a layer.
_NAMES = frozenset(
    ["ne", "nes", "ner", "name", "named_entity", "namedentity", "entity", "entities", "ner_tag",
     "ner_tags", "netag", "ne_tag", "nertag", "bio", "iob", "iob2", "bioes", "bilou"]
)  # fmt: skip
SPACE_KEYS = ("SpaceAfter", "SpacesAfter", "SpacesBefore")


@dataclass(frozen=True)
class TagColumn:
    """Where a row has a tag.

    index (int): The column, from 0.
    heading (str): Its name, if the file gives one.
    key (str): Of the `KEY=value` of CoNLL-U's last column that is the tag; None for all of it.
    form (TagForm): How tags are written there.
    """

    index: int
    heading: str | None = None
    key: str | None = None
    form: TagForm = field(default=PLAIN)

    @property
    def described(self) -> str:
        """In words."""
        if self.key is not None:
            return f"{self.key}= in column {self.index + 1}"
        return f"column {self.index + 1}" + (f" ({self.heading})" if self.heading else "")

    @property
    def option(self) -> str:
        """What names it to convert."""
        return self.key or self.heading or str(self.index + 1)

    @property
    def is_named(self) -> bool:
        """Whether its name says that it holds entities."""
        name = (self.key or self.heading or "").rpartition(":")[2]
        return name.casefold().rstrip("0123456789") in _NAMES

    def value(self, columns: Sequence[str]) -> str:
        """The tag of a row as it stands there; `_` if MISC has none."""
        if self.key is None:
            return columns[self.index]
        return misc_of(columns[self.index]).get(self.key, "_")

    def with_form(self, form: TagForm) -> "TagColumn":
        """The same, of tags written in a form."""
        return replace(self, form=form)


def misc_of(value: str) -> Mapping[str, str]:
    """The keys of CoNLL-U's last column, with their values."""
    if "=" not in value:
        return {}
    pairs = (one.partition("=") for one in value.split("|"))
    return {key.strip(): one for key, found, one in pairs if found}
