"""How files write the tags of entities: `B-PER`, and whatever else people have made of that."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

# Those of all schemes: begin, inside, middle, end, last, single, unit, whole.
LETTERS = "BIMELSUW"
OUTSIDE = ("O", "_")
# Between letter and label. A blank is none: a tag is one word.
_SEPARATORS = ("-", "_", ":", ".", "/", "|", "+")
# A file has so many types of entities at most; what has more are words.
_MOST_LABELS = 200
_TAG = re.compile(f"[{LETTERS}]-.", re.DOTALL)


def is_tag(value: str) -> bool:
    """Whether a value is a tag of an entity, in any scheme."""
    return _TAG.match(value) is not None


def is_letter(value: str) -> bool:
    """Whether a value is the letter of a tag alone."""
    return len(value) == 1 and value in LETTERS


@dataclass(frozen=True)
class TagForm:
    """How tags are written.

    separator (str): Between letter and label.
    is_suffixed (bool): The letter is behind the label, as in `PER-B`.
    is_bare (bool): There is no letter: the tag is the label.
    label (str): Of tags that have none, `B` and `I`; None if those are errors.
    """

    separator: str = "-"
    is_suffixed: bool = False
    is_bare: bool = False
    label: str | None = None

    @property
    def described(self) -> str:
        """An example of a tag."""
        if self.is_bare:
            return "PER"
        return f"PER{self.separator}B" if self.is_suffixed else f"B{self.separator}PER"

    def plain(self, value: str) -> str:
        """A tag as `B-PER`. What does not fit is as it was: reading it says what is wrong."""
        if value in OUTSIDE:
            return value
        if self.label is not None and is_letter(value):
            return f"{value}-{self.label}"
        if self.is_bare:
            return f"I-{value}"
        if self == PLAIN or (parts := self._parts(value)) is None:
            return value
        return "-".join(parts)

    def _parts(self, value: str) -> tuple[str, str] | None:
        """Letter and label."""
        if self.is_suffixed:
            label, found, letter = value.rpartition(self.separator)
        else:
            letter, found, label = value.partition(self.separator)
        fits = found and label and is_letter(letter)
        return (letter, label) if fits else None

    def fits(self, value: str) -> bool:
        """Whether a value is a tag of an entity in this form."""
        return self._parts(value) is not None


PLAIN = TagForm()


def find_tag_form(values: Mapping[str, int], label: str | None = None) -> TagForm:
    """The form of the tags of a file. Another than `B-PER` is taken only if all fit it.

    values (Mapping[str, int]): How often each value is there. label (str): See TagForm.
    """
    solid = [value for value in values if value not in OUTSIDE]
    forms = [PLAIN]
    if not any(is_tag(value) for value in solid):
        forms += [TagForm(separator) for separator in _SEPARATORS]
        forms += [TagForm(separator, is_suffixed=True) for separator in _SEPARATORS]
    elif not all(is_tag(value) for value in solid):
        forms += [TagForm(separator, is_suffixed=True) for separator in _SEPARATORS]
    form = next((one for one in forms if solid and all(map(one.fits, solid))), PLAIN)
    return TagForm(form.separator, form.is_suffixed, label=label)


def are_labels(values: Mapping[str, int], *, is_named: bool = False) -> bool:
    """Whether values are labels without letters, most of them O, as Few-NERD has them.

    is_named (bool): The heading says that they are entities.
    """
    counts = Counter(values)
    solid = [value for value in counts if value not in OUTSIDE]
    n_outside = sum(counts[value] for value in OUTSIDE)
    if not solid or len(solid) > _MOST_LABELS or any(map(is_letter, solid)):
        return False
    if any(is_tag(value) or value.split() != [value] or set(value) & set("()") for value in solid):
        return False
    return is_named or n_outside >= max(counts[value] for value in solid)
