"""Labels as they should be: a blank that nobody sees must not make a second type."""

import unicodedata

# Zero width: no space, joiners, byte order mark, soft hyphen.
_UNSEEN = "\u200b\u2060\ufeff\u00ad"
_JOINERS = "\u200c\u200d"  # which some scripts have within words


def tidy_label(label: str) -> str:
    """A label without white space around it, and without what can't be seen.

    White space within it, such as a non-breaking blank or a tab, becomes a blank.
    """
    if label.isascii() and label.isprintable():
        return label.strip(" ")
    seen = "".join(" " if char.isspace() else char for char in label if char not in _UNSEEN)
    return seen.strip(f" {_JOINERS}")


def check_tidy(name: str, label: str) -> None:
    """RAISES ValueError: If a label has white space around it, or what can't be seen in it."""
    if (tidy := tidy_label(label)) != label:
        raise ValueError(
            f"{name} is {label!a}, with white space or characters of no width, which would make it "
            f"another type than {tidy!r}: take them out."
        )


def alike(labels: list[str]) -> list[list[str]]:
    """Groups of labels that differ only in case or in how Unicode writes them, in their order."""
    groups: dict[str, list[str]] = {}
    for label in labels:
        key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).casefold())
        groups.setdefault(key, []).append(label)
    return [group for group in groups.values() if len(group) > 1]
