"""A config whose numbers are computed from data, encoder and device."""

import logging
from dataclasses import replace
from pathlib import Path

from spacy.language import Language

from ...data.blank_pipeline import blank_pipeline
from ...data.overlapping_texts import SPANS_KEY
from ...data.splitting.annotated_file import AnnotatedText, read_annotated
from ...support.durable import write_atomically
from ...support.output_folder import check_output_folder
from ...text.token_exceptions import read_exceptions
from .encoders import choose_encoder
from .facts import check_vectors, device_facts
from .model_choice import ModelWishes
from .model_plans import RulesPlan, plan_model
from .nesting_choice import NestingChoice, choose_nesting
from .notes import notes_on_files
from .phrase_list import phrases_of, phrases_text
from .planned import ModelPlan
from .rendering import ConfigPaths, render_config

logger = logging.getLogger("spacy_ner_plus")


def init_config(
    data: str | Path,
    config: str | Path,
    *,
    dev: str | Path | None = None,
    encoder: str | Path | None = None,
    lang: str = "en",
    device: str = "auto",
    exceptions: str | Path | None = None,
    model: str = "transformer",
    vectors: str | Path | None = None,
    words_per_second: float | None = None,
    nested: bool | None = None,
    spans_key: str = SPANS_KEY,
) -> ModelPlan:
    """Write a config for `ner-plus train` or `spacy train`.

    There is a comment on each number that depends on data, encoder or device. For rules, a list of
    the phrases that are entities in the data is written beside it, for `spacy assemble`.

    data (str / Path): Training data, a .spacy file.
    config (str / Path): The file to write.
    dev (str / Path): Development data, a .spacy file; None to name them when training starts.
    encoder (str / Path): Hub name or folder of the encoder; None for the default one, in
        assets/encoder.
    lang (str): The language, as spaCy abbreviates it.
    device (str): What will train: "cpu", "cuda", or "auto" for what this machine has.
    exceptions (str / Path): A file of tokenizer exceptions, with which data and dev were converted.
    model (str): The kind of model: "rules", "features", "bilstm", "transformer"; or "auto" for what
        suits so many annotated sentences, the device and the speed.
    vectors (str / Path): For a BiLSTM, a folder of word vectors, as `ner-plus vectors` writes it.
    words_per_second (float): With "auto", how many words of text have to be read each second.
    nested (bool): Whether it is to find entities within entities, with ner_plus_spans; False for
        those of doc.ents alone. None for what the data are.
    spans_key (str): Where in doc.spans entities that overlap are, and where found ones will be.
    RETURNS (ModelPlan): The kind of model and why, the numbers, and why they are so.
    RAISES (ValueError): The config is there already, the data can't be read or have no entities, or
        so few overlap that it may be by mistake; there is no such encoder, language, device or kind
        of model.
    """
    data, config, dev = Path(data), Path(config), Path(dev) if dev else None
    phrases = config.with_name(f"{config.stem}.phrases.jsonl")
    if config.exists():
        raise ValueError(f"{config} is there already: name a file that is not, or remove it.")
    check_output_folder(config.parent)
    wishes = ModelWishes(model, words_per_second, encoder is not None, vectors is not None, lang)
    wishes.check()
    check_vectors(vectors)
    pieces = None if exceptions is None else read_exceptions(exceptions)
    nlp, chosen = blank_pipeline(lang, pieces), choose_encoder(encoder)
    for path in (data, *([dev] if dev else [])):
        _check_suffix(path)
    nesting = choose_nesting([data], nested, spans_key=spans_key)
    wishes = replace(wishes, spans_key=nesting.spans_key)
    wishes.check()
    train_texts = _read_texts(data, nlp, nesting)
    train_docs = [text.doc for text in train_texts]
    dev_docs = [text.doc for text in _read_texts(dev, nlp, nesting)] if dev else []
    plan = plan_model(wishes, train_docs, dev_docs, chosen, device_facts(device))
    paths = ConfigPaths(
        train=data.as_posix(),
        dev=dev.as_posix() if dev else None,
        encoder=chosen.name,
        exceptions=Path(exceptions).as_posix() if exceptions and pieces else None,
        vectors=Path(vectors).as_posix() if vectors else None,
        phrases=phrases.as_posix(),
    )
    if isinstance(plan, RulesPlan):
        if phrases.exists():
            raise ValueError(f"{phrases} is there already: name another config, or remove it.")
        found = phrases_of(train_docs, entities=[text.all_spans for text in train_texts])
        write_atomically(phrases, phrases_text(found))
    write_atomically(config, render_config(plan, nlp, paths, device=device))
    return plan


def _check_suffix(path: Path) -> None:
    if path.suffix != ".spacy":
        raise ValueError(
            f"{path} is no .spacy file, which a config can name: write one with ner-plus convert, "
            "or let ner-plus init-project do all of it."
        )


def _read_texts(path: Path, nlp: Language, nesting: NestingChoice) -> list[AnnotatedText]:
    file = read_annotated(path, nlp, spans_key=nesting.spans_key, overlaps=nesting.overlaps)
    for note in notes_on_files([file]):
        logger.warning("%s", note)
    return file.texts
