"""Whether a project is one for flat entities, or for entities within entities."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...data.overlapping_texts import find_overlapping
from ...data.splitting.annotated_file import listed


@dataclass(frozen=True)
class NestingChoice:
    """What becomes of entities that overlap.

    spans_key (Optional[str]): All are learned, from doc.spans[spans_key]; None: those of doc.ents
        are, which do not overlap.
    overlaps (str): Which of them are in doc.ents: see check_overlaps.
    """

    spans_key: str | None = None
    overlaps: str = "error"

    def options(self, default_key: str) -> str:
        """What tells `init-config` to choose the same.

        default_key (str): Its key, if none is named.
        """
        if self.spans_key is not None:
            named = "" if self.spans_key == default_key else f" --spans-key {self.spans_key}"
            return f" --nested{named}"
        return "" if self.overlaps == "error" else " --flat"


def choose_nesting(
    paths: Sequence[Path], nested: bool | None, *, group: int | None = None, spans_key: str
) -> NestingChoice:
    """Do as the user says, or as the data are.

    paths (Sequence[Path]): Files or folders of any format.
    nested (Optional[bool]): Whether all entities are to be learned; False: of those that overlap
        the longest. None: all, if many texts have some that overlap.
    group (int): See read_annotated.
    spans_key (str): Where entities that overlap go.
    RAISES (ValueError): The files can't be read; or nobody has said it, and so few entities overlap
        that it may be by mistake.
    """
    if nested is not None:
        return NestingChoice(spans_key) if nested else NestingChoice(overlaps="longest")
    found = find_overlapping(paths, group=group, spans_key=spans_key)
    if not found.n_overlapping:
        return NestingChoice()
    if found.are_meant:
        return NestingChoice(spans_key)
    start = (
        f"Entities overlap in {found.n_overlapping:,} of {found.n_texts:,} texts, in so few that "
        "it may be by mistake. Correct them; or say --nested, to find entities within others, or "
        "--flat, for the longest of those that overlap alone:"
    )
    raise ValueError(listed(start, found.places, found.n_overlapping))
