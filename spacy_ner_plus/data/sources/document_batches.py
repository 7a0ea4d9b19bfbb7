"""All documents of an input, some at a time, for those who need every one of them."""

from collections.abc import Iterator
from itertools import islice

from tqdm import tqdm

from .rows import Input, RowError, SourceDocument

MAX_SHOWN = 5


def document_batches(
    source: Input, size: int, *, has_bar: bool = True
) -> Iterator[list[SourceDocument]]:
    """The documents of an input, so many at a time.

    has_bar (bool): Whether a terminal shows how many were read. Not where something else is shown.
    RAISES ValueError: Behind the last one, if rows can't be read; it names the first of them.
    """
    wrong: list[str] = []

    def documents() -> Iterator[SourceDocument]:
        hidden = None if has_bar else True  # None: where there is no terminal
        for row in tqdm(source.rows(), unit="texts", disable=hidden, leave=False):
            try:
                yield source.parse(row)
            except RowError as error:
                wrong.append(f"{row.file}, row {row.row}: {error}")

    stream = documents()
    while batch := list(islice(stream, size)):
        yield batch
    if wrong:
        shown = "\n".join(f"  {line}" for line in wrong[:MAX_SHOWN])
        more = f"\n  and {len(wrong) - MAX_SHOWN:,} more" * (len(wrong) > MAX_SHOWN)
        raise ValueError(f"{len(wrong):,} rows of {source.path} can't be read:\n{shown}{more}")
