"""Which columns of a file hold the tags of entities."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from .column_counts import ColumnCounts
from .column_layouts import ColumnLayout
from .tag_columns import TagColumn
from .tag_forms import OUTSIDE, TagForm, are_labels, find_tag_form, is_letter

# Phrases, whose tags look like those of entities: of CoNLL-2000 and -2003, English and German.
_CHUNKS = frozenset(
    ["NP", "VP", "PP", "ADVP", "ADJP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP",
     "NC", "VC", "PC"]
)  # fmt: skip
# A column holds tags if as many of its values are such: some may be misspelt, and no other column
# has so many.
_MOST = 0.5
_LISTED = 3


def choose_columns(
    path: Path,
    rows: Iterable[Sequence[str]],
    n_columns: int,
    layout: ColumnLayout,
    wanted: Sequence[int | str] = (),
    label: str | None = None,
) -> tuple[TagColumn, ...]:
    """The columns with tags: those that are wanted, else all that may be meant.

    path (Path): The file, for errors.
    rows: Its rows. Those of another length don't count: they are told of line by line.
    wanted (Sequence[Union[int, str]]): Columns from 1, or from the end if negative, or their names.
    label (str): Of tags that have none.
    RETURNS (Tuple[TagColumn, ...]): Several only if they are wanted, or hold tags without being
        named: then they may be layers, or several annotations of the same.
    RAISES (ValueError): There is no such column.
    """
    counts = ColumnCounts(n_columns, layout)
    for row in rows:
        counts.look_at(row)
    columns = counts.columns
    if wanted:
        named = [_wanted(path, one, columns, n_columns) for one in wanted]
        return tuple(_formed(column, counts, label, is_told=True)[0] for column in named)
    if layout.tag is not None:
        [column] = [one for one in columns if one.index == layout.tag]
        return (_formed(column, counts, label)[0],)
    found = [
        column
        for column, labels in (_formed(one, counts, label) for one in columns)
        if labels and not _CHUNKS.issuperset(labels)
    ]
    named = [column for column in found if column.is_named]
    if found:
        return tuple(named or found)
    if not columns:
        raise ValueError(_no_tags(path, columns))
    last = next((one for one in columns if one.is_named), None) or columns[-1]
    column, labels = _formed(last, counts, label, is_told=True)
    has_values = any(value not in OUTSIDE for value in counts.values(last))
    if layout.misc is not None and not labels and (has_values or not last.is_named):
        raise ValueError(_no_tags(path, columns))
    return (column,)


def _wanted(path: Path, name: int | str, columns: Sequence[TagColumn], n_columns: int) -> TagColumn:
    if isinstance(name, str) and not name.lstrip("-").isdigit():
        for column in columns:
            if name.casefold() in (one.casefold() for one in (column.heading, column.key) if one):
                return column
        raise ValueError(f"--column {name}: {path} has no such column; {_named(columns)}.")
    number = int(name)
    index = number - 1 if number > 0 else n_columns + number
    for column in columns:
        if number and column.index == index and column.key is None:
            return column
    first = columns[0].index + 1 if columns else n_columns
    raise ValueError(
        f"--column {number}: {path} has {n_columns} columns, and tags may be in columns "
        f"{first} to {n_columns}. Negative numbers count from the last, -1."
    )


def _named(columns: Sequence[TagColumn]) -> str:
    names = [column.option for column in columns if column.key or column.heading]
    return f"there are {', '.join(names)}" if names else "its columns have numbers only"


def _formed(
    column: TagColumn, counts: ColumnCounts, label: str | None, *, is_told: bool = False
) -> tuple[TagColumn, Counter[str]]:
    """A column with the form of its tags, and how often each label is in it.

    None are if it does not hold tags.
    is_told (bool): Nothing else can be meant: labels without letters will do.
    """
    values = counts.values(column)
    form = find_tag_form(values, label)
    labels: Counter[str] = Counter()
    n_tags = sum(values[tag] for tag in OUTSIDE)
    for value, n in values.items():
        if form.fits(value):
            labels[form.plain(value)[2:]] += n
        elif label is not None and is_letter(value):
            labels[label] += n
    n_tags += labels.total()
    column = column.with_form(form)
    if labels and n_tags >= _MOST * counts.n_rows:
        return column, labels
    if (is_told or column.is_named) and are_labels(values, is_named=column.is_named):
        found = Counter({value: n for value, n in values.items() if value not in OUTSIDE})
        return column.with_form(TagForm(is_bare=True)), found
    return column, Counter()


def which_of(path: Path, columns: Sequence[tuple[TagColumn, Counter[str]]]) -> str:
    """That several columns may be meant, and how to say which.

    columns: Each with how often labels are in it.
    """
    shown = " and ".join(
        f"{column.described} ({', '.join(one for one, _ in labels.most_common(_LISTED))})"
        for column, labels in columns
    )
    options = [f"--column {column.option}" for column, _ in columns]
    return (
        f"{path}: {shown} hold tags of entities, and they are no layers of entities that nest, "
        f"each within one of another. Say to convert which with {' or '.join(options)}, or name "
        f"all with {' '.join(options)} --spans-key KEY."
    )


def _no_tags(path: Path, columns: Sequence[TagColumn]) -> str:
    mentions = any(column.key == "Entity" for column in columns)
    brackets = " Entity= has mentions in brackets, as in CorefUD, which are not read." * mentions
    return (
        f"{path} has no column with tags of entities, and no such key in MISC.{brackets} Name the "
        f"one with --column; {_named(columns)}."
    )
