"""Places that do not overlap, taken one after the other."""

from bisect import bisect, insort

Place = tuple[int, int]
"""Start character, end character (exclusive)."""


class FreePlaces:
    """Takes places as long as they are free, in time that hardly grows with their number."""

    def __init__(self) -> None:
        self._taken: list[Place] = []  # from left to right

    def take(self, place: Place) -> bool:
        """Take a place, if nothing that is taken overlaps it. RETURNS: Whether it was free."""
        at = bisect(self._taken, place)
        beside = self._taken[max(at - 1, 0) : at + 1]
        if any(start < place[1] and place[0] < end for start, end in beside):
            return False
        insort(self._taken, place)
        return True
