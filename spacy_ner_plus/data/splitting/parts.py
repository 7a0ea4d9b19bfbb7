"""Files of annotated texts to training, development and test data."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from ...annotation.entity_source import EntitySource
from ...support.durable import written_whole
from ...support.output_folder import check_output_folder
from ...text.token_exceptions import read_exceptions
from ..blank_pipeline import blank_pipeline
from ..formats.spacy_files import DocFile
from ..formats.written import warn_of
from .annotated_file import AnnotatedFile, AnnotatedText, read_annotated
from .near_duplicates import EXTRA, duplicates
from .split_manifest import summary_of, write_manifest
from .stratification import stratify

# What part of the texts each gets, where one file has those of all.
SHARES = {"train": 0.8, "dev": 0.1, "test": 0.1}
SEED = 0


@dataclass(frozen=True)
class Part:
    """Training, development or test data.

    source (Path): The file that they are from.
    texts (List[AnnotatedText]): The texts, in the order of the file.
    spans_key (Optional[str]): Their entities are in doc.spans[spans_key]; None for doc.ents.
    """

    source: Path
    texts: list[AnnotatedText]
    spans_key: str | None = None

    @property
    def docs(self) -> list[Doc]:
        """The Docs of the texts, in their order."""
        return [text.doc for text in self.texts]

    @property
    def n_words(self) -> int:
        """How many tokens they have."""
        return sum(len(doc) for doc in self.docs)

    @property
    def entities(self) -> Counter[str]:
        """How many entities of each label they have."""
        source = EntitySource(self.spans_key)
        return Counter(label for doc in self.docs for _, _, label in source.spans(doc))

    def write(self, path: Path) -> None:
        """Write a .spacy file; the same texts give the same bytes.

        RAISES (ValueError): A text that spaCy's format can't hold, and where it is from.
        """
        file = DocFile()
        for text in self.texts:
            try:
                file.add(text.doc, text.record, self.spans_key)
            except ValueError as error:
                raise ValueError(f"{text.where}: {error}") from error
        with written_whole(path) as unfinished:
            file.write(unfinished)
        warn_of(path, file.lost)


def read_parts(
    paths: Sequence[Path],
    nlp: Language,
    *,
    group: int | None = None,
    spans_key: str | None = None,
    overlaps: str = "error",
) -> tuple[dict[str, Part], list[AnnotatedFile]]:
    """Read one to three files of annotated texts, and divide the one that is for several parts.

    paths (Sequence[Path]): One file for all three parts; or train and test, where dev is taken out
        of train; or train, dev and test.
    nlp (Language), group (int), spans_key (str), overlaps (str): See read_annotated.
    RETURNS (Tuple[Dict[str, Part], List[AnnotatedFile]]): "train", "dev" and "test", and what was
        read, with what is worth telling of it. How a file is divided depends on its texts alone,
        and on whether those that are nearly the same can be found.
    RAISES (ValueError): See read_annotated; or there are too many files, too few texts, or a part
        without entities.
    """
    if not 1 <= len(paths) <= 3:
        raise ValueError(
            f"Got {len(paths)} files of annotated texts: give one to divide, or two (train, test), "
            "or three (train, dev, test)."
        )
    first, *others = [
        read_annotated(path, nlp, group=group, spans_key=spans_key, overlaps=overlaps)
        for path in paths
    ]
    names = list(SHARES)
    n_divided = len(names) - len(others)
    divided = divide(first, {name: SHARES[name] for name in names[:n_divided]})
    whole = [Part(file.path, file.texts, spans_key) for file in others]
    parts = dict(zip(names, [*divided, *whole], strict=True))
    _check_parts(parts)
    return parts, [first, *others]


def write_parts(
    paths: Sequence[Path],
    output: Path,
    *,
    lang: str = "en",
    group: int | None = None,
    exceptions: Path | None = None,
    spans_key: str | None = None,
    overlaps: str = "error",
) -> tuple[dict[str, Part], list[AnnotatedFile]]:
    """Read files of annotated texts as read_parts does, and write train, dev and test.spacy.

    A manifest beside them says which version of the data set they are.

    paths (Sequence[Path]), group (int), spans_key (str), overlaps (str): See read_parts.
    output (Path): Folder to write to; made if it is not there.
    lang (str): Language whose tokenizer cuts the texts.
    exceptions (Path): A file of tokenizer exceptions.
    RETURNS (Tuple[Dict[str, Part], List[AnnotatedFile]]): See read_parts.
    RAISES (ValueError): See read_parts; or spaCy has no such language.
    """
    check_output_folder(output)
    pieces = None if exceptions is None else read_exceptions(exceptions)
    nlp = blank_pipeline(lang, pieces)
    parts, files = read_parts(paths, nlp, group=group, spans_key=spans_key, overlaps=overlaps)
    for name, part in parts.items():
        part.write(output / f"{name}.spacy")
    summaries = {
        name: summary_of(f"{name}.spacy", (text.record for text in part.texts))
        for name, part in parts.items()
    }
    write_manifest(output, summaries)
    return parts, files


def divide(file: AnnotatedFile, shares: Mapping[str, float]) -> list[Part]:
    """Divide the texts of a file, balanced by labels, at least one for each part.

    Texts that are the same are in the same part; so are those that are nearly the same, if they can
    be found: see duplicates. The file's warnings say so.

    shares (Dict[str, float]): What part of the texts each part gets, relative to the others.
    RAISES (ValueError): If there are too few texts that are not alike.
    """
    n_texts = len(file.texts)
    if n_texts < len(shares):
        raise ValueError(
            f"{file.path} has {n_texts} annotated text(s), but {' and '.join(shares)} data need "
            "one each at least. Annotate more: some hundreds make a first model."
        )
    source = EntitySource(file.spans_key)
    found = [Counter(label for _, _, label in source.spans(text.doc)) for text in file.texts]
    labels = sorted(set().union(*found))
    counts = np.array([[counter[label] for label in labels] for counter in found])
    whole = sum(shares.values())
    later = [max(share / whole, 1 / n_texts) for share in list(shares.values())[1:]]
    groups, has_near = duplicates([text.record.text for text in file.texts])  # (n_texts,)
    places = stratify(counts, [1 - sum(later), *later], SEED, groups)  # (n_texts,)
    sizes = np.bincount(groups)
    for number, name in enumerate(shares):
        if not (places == number).any():
            raise ValueError(
                f"The {name} data would have no text: of the {n_texts:,} in {file.path}, up to "
                f"{sizes.max():,} are the same, or nearly so, and stay together. Annotate others."
            )
    file.warnings.extend(_on_alike(int(sizes[sizes > 1].sum()), has_near=has_near))
    return [
        Part(file.path, [file.texts[i] for i in np.flatnonzero(places == number)], file.spans_key)
        for number in range(len(shares))
    ]


def _on_alike(n_alike: int, *, has_near: bool) -> Iterator[str]:
    """What to tell of texts that are alike."""
    nearly = "nearly " * has_near
    if n_alike:
        yield f"{n_alike:,} texts are {nearly}the same as others, with which they are in one part"
    if not has_near:
        yield (
            "texts that are nearly the same were not looked for, and may be in several parts: pip "
            f'install "spacy_ner_plus[{EXTRA}]"'
        )


def _check_parts(parts: Mapping[str, Part]) -> None:
    for name, part in parts.items():
        if not part.entities:
            raise ValueError(
                f"The {name} data, {len(part.texts)} text(s) of {part.source}, have no entities: "
                "annotate more texts."
            )


def repeated_texts(parts: Mapping[str, Part]) -> int:
    """How many development and test documents have a text that is in the training data too."""
    known = {doc.text for doc in parts["train"].docs}
    return sum(doc.text in known for name in ("dev", "test") for doc in parts[name].docs)
