"""Training, development and test data of a folder, in whatever format, as .spacy files."""

from pathlib import Path

from .conversion import convert
from .conversion_result import Conversion
from .formats.record_files import find_format
from .overlapping_texts import SPANS_KEY, find_overlapping, open_annotated
from .splitting.split_manifest import summary_of, write_manifest

PART_NAMES = ("train", "dev", "test")
EXCEPTIONS = "tokenizer_exceptions.json"


def convert_corpus(
    folder: str | Path, output: str | Path, *, lang: str = "en", group: int | None = None
) -> dict[str, Conversion]:
    """Convert the parts of a corpus, in the tokens that a pipeline trained on it will make.

    Tokens are cut where entities of the training data start and end; what else of development and
    test data is not on tokens then is noted there, and counts as missed in an evaluation. A
    manifest says which version of the data set it is.

    Where entities overlap in any part, all are in doc.spans["sc"], and the outermost in doc.ents.

    folder (str / Path): It has one file `train`, `dev` and `test` each, of any format and suffix.
    output (str / Path): Folder for train.spacy, dev.spacy, test.spacy, manifest.json and
        tokenizer_exceptions.json, which has none if the texts have tokens of their own.
    lang (str): The language whose tokenizer cuts texts that have no tokens.
    group (int): Sentences a document, in column files that mark none.
    RETURNS (Dict[str, Conversion]): What was read and written, by part.
    RAISES (ValueError): A part is not there, or twice; see convert.
    """
    folder, output = Path(folder), Path(output)
    files = {name: part_file(folder, name) for name in PART_NAMES}
    exceptions = output / EXCEPTIONS
    exceptions.unlink(missing_ok=True)  # those of other training data
    groups = {name: _group_of(file, group) for name, file in files.items()}
    overlap = [find_overlapping([files[name]], group=groups[name]) for name in PART_NAMES]
    spans_key = SPANS_KEY if any(found.n_overlapping for found in overlap) else None
    made, summaries = {}, {}
    for name, file in files.items():
        made[name] = convert(
            file,
            output / f"{name}.spacy",
            options={"group": groups[name]} if groups[name] else {},
            lang=lang,
            spans_key=spans_key,
            misaligned="split" if name == "train" else "missing",
            exceptions=exceptions,
        )
        records = open_annotated(file, group=groups[name], spans_key=spans_key).records()
        summaries[name] = summary_of(f"{name}.spacy", (record for _, record in records))
    write_manifest(output, summaries)
    return made


def _group_of(file: Path, group: int | None) -> int | None:
    """The number of sentences, if there are any to group."""
    return group if group and find_format(file) == "columns" else None


def part_file(folder: Path, name: str) -> Path:
    """The file or folder of a part. RAISES ValueError: There is none, or several."""
    if not folder.is_dir():
        raise ValueError(f"There is no folder {folder}: correct its name.")
    found = sorted(path for path in folder.iterdir() if path.name.partition(".")[0] == name)
    if len(found) == 1:
        return found[0]
    there = f"has {', '.join(path.name for path in found)}" if found else "has none"
    raise ValueError(
        f"{folder} must have one file with {name} data, {name}.tsv or of any other format, but it "
        f"{there}."
    )
