"""`python -m spacy ner-plus convert`: column files -> .spacy files."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from wasabi import msg

from ..data.formats.column_docs import group_sentences, make_doc
from ..data.formats.columns import AUTO, ColumnFile, has_markers, read_columns
from ._errors import errors_as_messages

_ATTRS = ("ORTH", "SPACY", "SENT_START", "ENT_IOB", "ENT_TYPE")


def convert_cli(
    input_path: Annotated[Path, typer.Argument(help="Column file to read", metavar="IN")],
    output_path: Annotated[Path, typer.Argument(help=".spacy file to write", metavar="OUT")],
    scheme: Annotated[
        str, typer.Option(help="Tag scheme: auto, IOB1, BIO (or IOB2), BILOU, BIOES")
    ] = AUTO,
    layout: Annotated[str, typer.Option(help="Layout: auto, conll2003, tsv, uner")] = AUTO,
    group: Annotated[
        int | None,
        typer.Option(min=1, help="Sentences a document, where the file marks none (default: 1)"),
    ] = None,
    ignore_markers: Annotated[
        bool, typer.Option("--ignore-markers", help="Use --group even if the file marks documents")
    ] = False,
    label_map: Annotated[
        list[str] | None,
        typer.Option(
            "--map", metavar="OLD=NEW", help="Rename an entity type, or drop it: OLD=; repeatable"
        ),
    ] = None,
) -> None:
    """Convert a column file to spaCy's training format.

    Reads CoNLL-2003 files (four columns), two columns parted by a tab, and Universal NER files,
    strictly: a bad line is an error. Documents are those the file marks (-DOCSTART-, # newdoc);
    in a file without such marks, each --group sentences make one.
    """
    with errors_as_messages():
        names = parse_label_map(label_map or [])
        file, docs = convert(
            input_path,
            output_path,
            scheme=scheme,
            layout=layout,
            group=group or 1,
            ignore_markers=ignore_markers,
            label_map=names,
        )
    if group and not ignore_markers and has_markers(file.sentences):
        msg.warn("--group is not used: the file marks its documents (see --ignore-markers)")
    msg.table(_table_rows(file, docs, names), aligns=("l", "r"))
    msg.good(f"Wrote {output_path} (layout {file.layout}, tag scheme {file.scheme})")


def convert(
    input_path: Path,
    output_path: Path,
    *,
    scheme: str = AUTO,
    layout: str = AUTO,
    group: int = 1,
    ignore_markers: bool = False,
    label_map: dict[str, str] | None = None,
) -> tuple[ColumnFile, list[Doc]]:
    """Read a column file and write it as DocBin; the same input gives the same bytes.

    RETURNS (Tuple[ColumnFile, List[Doc]]): What was read and what was written.
    RAISES (ValueError): As `read_columns`, `group_sentences` and `make_doc` do; the output path
        does not end in .spacy.
    """
    if output_path.suffix != ".spacy":
        raise ValueError(f"The output must be a .spacy file, got {output_path}: correct its name.")
    file = read_columns(input_path, layout=layout, scheme=scheme, label_map=label_map)
    groups = group_sentences(file.sentences, group, use_markers=not ignore_markers)
    vocab = Vocab()  # words only: what a language adds is not stored
    docs = [make_doc(vocab, sentences) for sentences in groups]
    output_path.parent.mkdir(parents=True, exist_ok=True)
    DocBin(attrs=_ATTRS, docs=docs).to_disk(output_path)
    return file, docs


def parse_label_map(entries: Iterable[str]) -> dict[str, str]:
    """Read OLD=NEW entries; NEW may be empty. RAISES (ValueError): No "=", or OLD repeated."""
    label_map: dict[str, str] = {}
    for entry in entries:
        old, equals, new = entry.partition("=")
        if not old or not equals:
            raise ValueError(f"--map wants OLD=NEW, or OLD= to drop the type, got {entry!r}.")
        if old in label_map:
            raise ValueError(f"--map names {old!r} twice: leave one out.")
        label_map[old] = new
    return label_map


def _table_rows(
    file: ColumnFile, docs: Sequence[Doc], label_map: dict[str, str]
) -> list[tuple[str, str]]:
    n_tokens = sum(len(doc) for doc in docs)
    types = Counter(ent.label_ for doc in docs for ent in doc.ents)
    rows = [
        ("documents", len(docs)),
        ("sentences", len(file.sentences)),
        ("tokens", n_tokens),
        ("entities", types.total()),
        *((f"  {label}", count) for label, count in types.most_common()),
    ]
    n_added = n_tokens - sum(len(sentence.tokens) for sentence in file.sentences)
    if n_added:
        rows.append(("white space tokens added", n_added))
    for old, count in file.mapped.items():
        rows.append((f"mapped {old} to {label_map[old] or 'outside'}", count))
    return [(name, f"{count:,}") for name, count in rows]
