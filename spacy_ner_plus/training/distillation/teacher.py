"""A pipeline that teaches: which component of it, in which tags, and what it says of documents."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from spacy import util
from spacy.language import Language
from spacy.tokens import Doc

from ...data.corpus import unannotated
from ...models.decoding.emissions import Emissions
from ...models.decoding.losses import overflown_docs
from ...models.storage.files import SETTINGS
from ...nn.crf.messages import ChainScores
from ...pipeline.capabilities import HasTaggerShim
from ...pipeline.preparing import check_pipeline_exists, load_pipeline
from ...support.digests import content_digest
from ...tags import TagScheme
from ..randomness import capture, starting_from


@dataclass(frozen=True)
class Teacher:
    """A saved pipeline, and the component that teaches. It is loaded when it is asked something.

    pipeline (str): Its name or folder.
    component (str): The component's name.
    scheme (TagScheme): The component's tags.
    sha256 (str): Of all files of the pipeline.
    """

    pipeline: str
    component: str
    scheme: TagScheme
    sha256: str

    @classmethod
    def find(cls, pipeline: str, component: str | None, sha256: str | None = None) -> "Teacher":
        """Look at the files of a pipeline.

        component (str): The component; None for the only one that scores tags.
        sha256 (str): What all files must have; None if that is not known.
        RAISES ValueError: If there is no such pipeline or component, or it is another one.
        """
        folder = pipeline_folder(pipeline)
        schemes = _saved_schemes(folder)
        if component is None and len(schemes) == 1:
            [component] = schemes
        if component not in schemes:
            wanted = "one component" if component is None else f"a component {component!r}"
            raise ValueError(
                f"The teacher {pipeline} must have {wanted} that scores the tags of whole "
                f"sequences, as ner_plus does; it has {', '.join(schemes) or 'none'}. Name one if "
                "there are several. What rules or a language model answer is annotation, and no "
                "distribution: annotate texts with them (`ner-plus predict`, `ner-plus "
                "annotate-llm`), and train on that."
            )
        found = content_digest(folder)
        if sha256 not in (None, found):
            raise ValueError(
                f"The teacher {pipeline} is not the one that it was: the SHA-256 of its files is "
                f"{found}, and should be {sha256}. Restore it, or begin anew with --overwrite."
            )
        return cls(pipeline, component, schemes[component], found)

    @cached_property
    def _loaded(self) -> Language:
        with starting_from(capture()):  # modules are made with random weights first
            nlp = load_pipeline(self.pipeline)
        if not isinstance(nlp.get_pipe(self.component), HasTaggerShim):
            raise ValueError(
                f"{self.component!r} of the teacher {self.pipeline} scores no tags of whole "
                "sequences, as ner_plus does."
            )
        return nlp

    def unload(self) -> None:
        """Free the memory that the pipeline takes, until it is asked again."""
        self.__dict__.pop("_loaded", None)

    @property
    def chain(self) -> ChainScores:
        """Start, transition and end scores of its tags, on the CPU."""
        pipe: Any = self._loaded.get_pipe(self.component)
        return ChainScores(*(score.cpu() for score in pipe.shim.decoder.chain_scores()))

    def emissions(self, docs: Sequence[Doc]) -> Emissions:
        """Its tag scores of some documents, in the tokens that these have.

        They are as the model gives them: hits of rules, thresholds, calibration and what restricts
        the reading of single documents play no part.

        RAISES ValueError: If one of them is no finite number.
        """
        nlp = self._loaded
        own = [unannotated(nlp, doc) for doc in docs]
        before = nlp.pipe_names[: nlp.pipe_names.index(self.component)]
        if before:
            with nlp.select_pipes(enable=before):
                own = list(nlp.pipe(own))
        pipe: Any = nlp.get_pipe(self.component)
        emissions: Emissions = pipe.model.predict(own)
        overflown = overflown_docs(pipe.shim.decoder, emissions)
        if len(overflown):
            raise ValueError(
                f"The teacher {self.pipeline} has scores that are infinite or no numbers on "
                f"{docs[overflown[0]].text[:80]!r}: its activations have overflowed. If it runs in "
                'half precision, set precision = "fp32" in its config.cfg.'
            )
        return emissions


def pipeline_folder(pipeline: str) -> Path:
    """The folder with the files of a pipeline, or of an installed package's.

    RAISES ValueError: If there is none.
    """
    check_pipeline_exists(pipeline)
    if not util.is_package(pipeline):
        folder = Path(pipeline)
        if folder.is_dir():
            return folder
        raise ValueError(f"The teacher {pipeline} has no files: name a trained pipeline.")
    package = util.get_package_path(pipeline)
    configs = sorted(package.glob("*/config.cfg"))
    if len(configs) != 1:
        raise ValueError(f"The package {pipeline} in {package} holds no pipeline.")
    return configs[0].parent


def _saved_schemes(folder: Path) -> dict[str, TagScheme]:
    """The tags of those components that have some, by name."""
    found = {}
    for name in util.load_config(folder / "config.cfg")["nlp"]["pipeline"]:
        path = folder / name / "model" / SETTINGS
        if path.is_file():
            try:
                scheme = json.loads(path.read_text(encoding="utf8")).get("scheme")
                if scheme is not None and scheme["labels"]:
                    found[name] = TagScheme(scheme["name"], scheme["labels"])
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise ValueError(f"{path} of the teacher is damaged: {error}.") from error
    return found
