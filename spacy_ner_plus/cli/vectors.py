"""`python -m spacy ner-plus vectors`: a file of word vectors to a folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from wasabi import msg

from ..pages.telling import say
from ._errors import errors_as_messages

if TYPE_CHECKING:
    from ..data.vector_files.convert_vectors import ConvertedVectors
    from ..data.vector_files.data_words import WordCoverage


def vectors_cli(
    input: Annotated[
        Path,
        typer.Argument(
            help="File of word vectors, or a spaCy pipeline's folder or name", metavar="FILE"
        ),
    ],
    output: Annotated[Path, typer.Argument(help="Folder to write", metavar="OUT")],
    words: Annotated[
        int | None,
        typer.Option(
            min=1, help="So many of the first words, which are the most frequent in most files"
        ),
    ] = None,
    float16: Annotated[
        bool, typer.Option("--float16", help="Two bytes a number instead of four")
    ] = False,
    only_words_of: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DATA",
            help="Keep the words of these annotated texts alone, as they are and in lower case; "
            "repeatable",
        ),
    ] = None,
    word_list: Annotated[
        Path | None,
        typer.Option(help="The words of a .npy file: a text with a word a line, or Parquet"),
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="The column with the words, in a Parquet file with several")
    ] = None,
    member: Annotated[
        str | None, typer.Option(help="The file to take of a ZIP archive with several")
    ] = None,
    lang: Annotated[
        str, typer.Option(help="Language whose tokenizer cuts texts of DATA that have no tokens")
    ] = "en",
) -> None:
    """Write word vectors as a folder that is mapped into memory when it is used.

    The content of FILE tells its form: text of GloVe, word2vec or fastText (.vec), word2vec's
    binary form, each of them packed with gzip or ZIP or not; .npy with --word-list; a spaCy
    pipeline with vectors; or a folder that was written before.
    """
    from .. import convert_vectors

    with errors_as_messages():
        done = convert_vectors(
            input,
            output,
            words=words,
            float16=float16,
            only_words_of=only_words_of,
            word_list=word_list,
            column=column,
            member=member,
            lang=lang,
        )
    msg.table(_rows(done), aligns=("l", "r"))
    say.good(f"Wrote {done.output}, from {done.info.source}")


def _rows(done: "ConvertedVectors") -> list[tuple[str, str]]:
    counts, info = done.counts, done.info
    left_out = {
        "  that came before, left out": counts.n_repeated,
        "  that are empty, left out": counts.n_empty,
        "  that are not UTF-8, left out": counts.n_undecodable,
        "  that the texts do not have, left out": counts.n_unwanted,
    }
    kept = {
        "words written": info.n_words,
        "  with white space in them": counts.n_with_space,
        "vectors": info.n_rows if info.n_rows != info.n_words else 0,
        "width": info.width,
    }
    rows = {"words read": counts.n_read, **left_out, **kept}
    return [
        *((name, f"{n:,}") for name, n in rows.items() if n),
        ("numbers", info.precision),
        ("capitals", {True: "none", False: "yes", None: "not known"}[info.is_lowercased]),
        ("size", f"{done.n_bytes / 1e6:,.1f} MB"),
        *(_coverage_rows(done.coverage) if done.coverage else ()),
    ]


def _coverage_rows(coverage: "WordCoverage") -> list[tuple[str, str]]:
    n_words, n_tokens = coverage.n_words, coverage.n_tokens
    shares = [
        ("  with a vector", coverage.n_exact, coverage.n_exact_tokens),
        ("  only in lower case", coverage.n_lowercased, coverage.n_lowercased_tokens),
    ]
    return [
        ("different words of the texts", f"{n_words:,}"),
        *((name, f"{n:,} ({n / n_words:.1%})") for name, n, _ in shares),
        ("all words of the texts", f"{n_tokens:,}"),
        *((name, f"{n:,} ({n / n_tokens:.1%})") for name, _, n in shares),
    ]
