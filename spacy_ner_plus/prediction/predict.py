"""A pipeline over a file or folder: what `ner-plus predict` does, for Python."""

import os
from pathlib import Path

from spacy.language import Language

from ..data.sources.rows import Fields
from ..data.sources.separated_rows import AUTO
from ..support.digests import file_digest
from .run import PredictionSettings, RunSummary, run_prediction


def predict(
    model: Language | str | Path,
    input: str | Path,
    output: str | Path,
    *,
    input_format: str | None = None,
    output_format: str | None = None,
    text_field: str = "text",
    id_field: str = "id",
    keep_fields: bool = False,
    spans_key: str | None = None,
    k_best: int | None = None,
    component: str = "ner_plus",
    chunk_size: int = 1000,
    rows: str = "records",
    max_rejects: int | None = None,
    overwrite: bool = False,
    code: Path | None = None,
    quoting: str = AUTO,
) -> RunSummary:
    """Find the entities of many documents, in constant memory.

    After a kill, the same call goes on after the last whole chunk; the result is the same, byte by
    byte. On a CPU torch keeps fewer kernels in this process from then on, unless it ran before or
    the environment says how many.

    model (Language / str / Path): Any pipeline, or its name or folder.
    input (str / Path): .txt file (a document a line), .jsonl, .csv, .tsv, .parquet or .spacy file,
        or a folder of .txt or .spacy files.
    output (str / Path): .jsonl, .parquet or .spacy file, or a folder for .spacy files.
    input_format, output_format (str): What they are, if not what the suffixes say.
    text_field, id_field (str): The fields with the text, and with what names the document.
    keep_fields (bool): Whether to write the other fields too, under "fields".
    spans_key (str): Take doc.spans[spans_key], which may nest and overlap, or "doc.ents". None:
        where the pipeline's component says that it writes entities that nest, else doc.ents.
    k_best (int): Give so many readings of each sentence, with their probabilities.
    component (str): Name of the component that gives the readings.
    chunk_size (int): Rows to hold in memory and write together.
    rows (str): "records", or "0.4" for rows as that version wrote them.
    max_rejects (int): Stop if there are more rows without a result.
    overwrite (bool): Begin anew, and replace an output that is there.
    code (Path): The Python file that was imported for the pipeline: its content is compared when
        an unfinished run goes on.
    quoting (str): How cells of CSV and TSV are quoted. "rfc4180": those that begin with a quote
        are, and may hold line ends; "none": quotes are text; "auto": as "rfc4180", with a warning
        if cells of TSV hold line ends.
    RETURNS (RunSummary): Counts, and the file with the rows that could not be processed.
    RAISES ValueError: If an argument does not fit, an unfinished run was begun otherwise, or there
        are too many rejects.
    """
    bound_kernel_caches()
    return run_prediction(
        model,
        Path(input),
        Path(output),
        PredictionSettings(
            input_format=input_format,
            output_format=output_format,
            fields=Fields(text=text_field, id=id_field, keeps_others=keep_fields),
            spans_key=spans_key,
            k_best=k_best,
            component=component,
            chunk_size=chunk_size,
            rows=rows,
            code=None if code is None else file_digest(code),
            quoting=quoting,
        ),
        overwrite=overwrite,
        max_rejects=max_rejects,
    )


def bound_kernel_caches() -> None:
    """Let torch's oneDNN keep few kernels on a CPU.

    It compiles kernels for each shape of a batch and keeps thousands in two caches: some hundred
    megabytes, reached after some 10,000 documents. Shapes seldom recur, so a few do. These are its
    own settings, read when the caches are first used.
    """
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(name, "32")
