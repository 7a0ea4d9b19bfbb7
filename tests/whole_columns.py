"""Column files with all their sentences in memory."""

from pathlib import Path
from typing import Any, NamedTuple

from spacy_ner_plus.data.formats.column_lines import Findings
from spacy_ner_plus.data.formats.columns import Sentence, open_columns


class WholeFile(NamedTuple):
    """What a column file holds; see ColumnFile."""

    layout: str
    scheme: str
    columns: tuple[int, ...]
    passed_over: tuple[int, ...]
    sentences: tuple[Sentence, ...]
    findings: Findings


def read_columns(path: Path, **options: Any) -> WholeFile:
    """Read a column file whole. RAISES (ValueError): What is wrong with it."""
    file = open_columns(path, **options)
    sentences = tuple(file.sentences())
    file.findings.check()
    assert len(sentences) == file.n_sentences
    return WholeFile(
        file.layout, file.scheme, file.columns, file.passed_over, sentences, file.findings
    )
