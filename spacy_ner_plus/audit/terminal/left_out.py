"""How many spans a section does not look at, on a terminal."""

LONGER, SAME_PLACE = "they overlap longer ones", "another label is on the same characters"


def print_left_out(n: int, why: str) -> None:
    """Say how many spans were left out, if any were. why (str): LONGER or SAME_PLACE."""
    if n:
        print(f"Left out, as {why}: {n:,} spans.")
