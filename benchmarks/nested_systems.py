"""The systems of benchmarks/nested.py and germeval.py as data, and the config of each."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nested_data import KEY, Division
from spacy.util import load_config
from thinc.api import Config

from spacy_ner_plus.training.project.model_plans import BILSTM_PASSES, BILSTM_WORDS
from spacy_ner_plus.training.project.plan_steps import plan_batch, plan_steps
from spacy_ner_plus.training.project.planning import MOST_WORDS, PASSES

CONFIGS = Path(__file__).parent.parent / "configs"
FLAT, SPANS, SPANCAT = "flat", "spans", "spancat"
TRANSFORMER, BILSTM = "transformer", "bilstm"
COMPONENTS = {FLAT: "ner_plus", SPANS: "ner_plus_spans", SPANCAT: "spancat"}
# Suggested spans are as wide as those that our head scores.
MAX_WIDTH = 12
WARMUP = 10  # one in so many steps


@dataclass(frozen=True)
class System:
    """A way to find entities.

    title (str): What tables call it.
    form (str): FLAT, ner_plus on the outermost entities; SPANS, ner_plus_spans; or SPANCAT, spaCy's
        `spancat` on our transformer as a shared encoder.
    encoder (str): TRANSFORMER or BILSTM.
    settings (Dict[str, Any]): Of the model.
    """

    title: str
    form: str
    encoder: str = TRANSFORMER
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def component(self) -> str:
        return COMPONENTS[self.form]

    @property
    def where(self) -> str:
        """Where its entities are: a key of doc.spans, or doc.ents."""
        return "doc.ents" if self.form == FLAT else KEY

    @property
    def is_searched(self) -> bool:
        """Whether rate, steps and threshold are chosen, rather than those that we plan."""
        return self.form == SPANCAT


def _with_each_encoder(name: str, title: str, form: str, **settings: Any) -> dict[str, System]:
    return {
        name: System(title, form, TRANSFORMER, settings),
        f"{BILSTM}-{name}": System(f"BiLSTM, {title}", form, BILSTM, settings),
    }


SYSTEMS = {
    **_with_each_encoder("flat", "flat `ner_plus`", FLAT),
    **_with_each_encoder("biaffine", "`biaffine`", SPANS, head="biaffine"),
    **_with_each_encoder(
        "no-convolution", "`biaffine`, no convolution", SPANS, head="biaffine", convolutions=0
    ),
    **_with_each_encoder("crf_per_label", "`crf_per_label`", SPANS, head="crf_per_label"),
    **_with_each_encoder(
        "layers", "`crf_per_label`, layers", SPANS, head="crf_per_label", chains="layers"
    ),
    **_with_each_encoder("both", "`both`", SPANS, head="both"),
    "spancat": System("spaCy `spancat`", SPANCAT),
}


@dataclass(frozen=True)
class Setting:
    """What is tried of a training.

    rate (int): Learning rate in percent of the usual one.
    longer (int): How many times as many steps as planned.
    """

    rate: int = 100
    longer: int = 1


@dataclass(frozen=True)
class Steps:
    """How long a training is.

    batch_words (int): Words of a step.
    max_steps, eval_frequency (int): The latter divides the former.
    """

    batch_words: int
    max_steps: int
    eval_frequency: int

    def times(self, factor: int) -> "Steps":
        """As many evaluations of longer training."""
        return Steps(self.batch_words, factor * self.max_steps, factor * self.eval_frequency)


def planned_steps(encoder: str, words: int, dev_words: int) -> Steps:
    """What `init-config` plans for so many words, the same for all systems on an encoder."""
    passes = BILSTM_PASSES if encoder == BILSTM else PASSES
    most = (BILSTM_WORDS if encoder == BILSTM else MOST_WORDS)["cpu"]
    batch = int(plan_batch(words, most).value)
    max_steps, frequency = plan_steps(words, dev_words, batch, passes)
    return Steps(batch, int(max_steps.value), int(frequency.value))


def make_config(
    system: System,
    division: Division,
    steps: Steps,
    *,
    encoder: Path,
    lang: str,
    seed: int,
    rate: int = 100,
) -> Config:
    """The config of a training.

    steps (Steps): All of them, with what the setting makes of the planned ones.
    encoder (Path): Folder of the transformer.
    rate (int): See Setting.
    """
    config = _MAKERS[system.form, system.encoder](system, encoder)
    config["nlp"]["lang"] = lang
    config["system"]["seed"] = seed
    config["paths"] |= {part: str(division.corpus(part)) for part in ("train", "dev")}
    config["paths"]["encoder"] = str(encoder)
    training = config["training"]
    training |= {"max_steps": steps.max_steps, "eval_frequency": steps.eval_frequency}
    training["batcher"]["size"] = steps.batch_words
    schedule = training["optimizer"]["learn_rate"]
    schedule["initial_rate"] *= rate / 100
    schedule |= {"warmup_steps": steps.max_steps // WARMUP, "total_steps": steps.max_steps}
    return config


def _transformer_flat(system: System, encoder: Path) -> Config:
    return load_config(CONFIGS / "cpu.cfg")


def _bilstm_flat(system: System, encoder: Path) -> Config:
    return load_config(CONFIGS / "bilstm_crf.cfg")


def _transformer_spans(system: System, encoder: Path) -> Config:
    config = load_config(CONFIGS / "spans.cfg")
    config["components"]["ner_plus_spans"]["model"] |= system.settings
    return config


def _bilstm_spans(system: System, encoder: Path) -> Config:
    """The component of spans.cfg in the place of that of bilstm_crf.cfg, on the same BiLSTM."""
    config, spans = _bilstm_flat(system, encoder), load_config(CONFIGS / "spans.cfg")
    tok2vec = config["components"]["ner_plus"]["model"]["tok2vec"]
    model = {"@architectures": "spacy_ner_plus.TokenSpans.v1", "tok2vec": tok2vec}
    component = spans["components"]["ner_plus_spans"] | {"model": model | system.settings}
    config["components"] = {"ner_plus_spans": component}
    config["nlp"]["pipeline"] = ["ner_plus_spans"]
    config["training"]["score_weights"] = spans["training"]["score_weights"]
    return config


def _transformer_spancat(system: System, encoder: Path) -> Config:
    """`spancat` in the place of the ner_plus of shared.cfg, with all else that spaCy gives it."""
    config = load_config(CONFIGS / "shared.cfg")
    width = json.loads((encoder / "config.json").read_text(encoding="utf8"))["hidden_size"]
    config["components"]["tok2vec"]["model"]["width"] = width
    del config["components"]["ner_plus"]
    config["components"]["spancat"] = spancat_component(width)
    config["nlp"]["pipeline"] = ["tok2vec", "spancat"]
    config["training"]["score_weights"] = {f"spans_{KEY}_f": 1.0}
    return config


def spancat_component(width: int) -> dict[str, Any]:
    """width (int): Of the encoder's vectors."""
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": width, "upstream": "*"}
    return {
        "factory": "spancat",
        "spans_key": KEY,
        "threshold": 0.5,
        "suggester": {
            "@misc": "spacy.ngram_range_suggester.v1",
            "min_size": 1,
            "max_size": MAX_WIDTH,
        },
        "model": {
            "@architectures": "spacy.SpanCategorizer.v1",
            "reducer": {"@layers": "spacy.mean_max_reducer.v1", "hidden_size": 128},
            "scorer": {"@layers": "spacy.LinearLogistic.v1", "nO": None, "nI": None},
            "tok2vec": listener,
        },
    }


_MAKERS = {
    (FLAT, TRANSFORMER): _transformer_flat,
    (FLAT, BILSTM): _bilstm_flat,
    (SPANS, TRANSFORMER): _transformer_spans,
    (SPANS, BILSTM): _bilstm_spans,
    (SPANCAT, TRANSFORMER): _transformer_spancat,
}
