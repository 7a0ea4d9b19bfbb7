"""Names with numbers, in the order in which they came up."""


class Numbered:
    """Gives each name a number, from 0."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __getitem__(self, name: str) -> int:
        """The number of a name: a new one, if it is new."""
        return self._numbers.setdefault(name, len(self._numbers))

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def names(self) -> list[str]:
        """All names, in the order of their numbers."""
        return list(self._numbers)

    @property
    def last(self) -> str:
        """The newest name."""
        return next(reversed(self._numbers))
