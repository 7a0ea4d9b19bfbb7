"""Encoders that are built no further than the weights that are there, whatever the settings say."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import CONFIG_MAPPING

from spacy_ner_plus.models.storage.bounded_building import built_within
from spacy_ner_plus.models.storage.files import Saved
from spacy_ner_plus.nn.encoders.transformer import TransformerEncoder

# Sizes by the names that architectures have for them.
SMALL = {
    **dict.fromkeys(("hidden_size", "dim", "n_embd", "emb_dim", "d_model", "head_dim"), 32),
    **dict.fromkeys(("intermediate_size", "hidden_dim", "embedding_size"), 64),
    **dict.fromkeys(("num_hidden_layers", "n_layers", "n_layer"), 2),
    **dict.fromkeys(("num_attention_heads", "n_heads", "n_head", "num_key_value_heads"), 4),
    **dict.fromkeys(("max_position_embeddings", "n_positions"), 130),
    **dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), 1),
    "vocab_size": 300,
    "rotary_dim": 8,
}
SINUSOIDS = {"distilbert": "sinusoidal_pos_embds", "xlm": "sinusoidal_embeddings"}
SINUSOIDS["flaubert"] = "sinusoidal_embeddings"
HONEST = [
    *("albert", "bert", "canine", "deberta", "deberta-v2", "distilbert", "electra", "flaubert"),
    *("fnet", "funnel", "gpt2", "gpt_neo", "gptj", "llama", "mixtral", "mobilebert", "modernbert"),
    *("mpnet", "nystromformer", "qwen2", "reformer", "roberta", "roformer", "xlm", "xlm-roberta"),
    *("xlnet", "xmod"),
]
HOSTILE: list[tuple[str, dict[str, Any]]] = [
    ("gpt2", {"n_layer": 10**9}),
    ("gpt2", {"n_positions": 10**6}),  # and a mask of its square
    ("gptj", {"n_positions": 10**9}),  # a table that is no part of the module
    ("gptj", {"n_layer": 10**9}),
    ("gpt_neo", {"attention_types": [[["global", "local"], 10**9]]}),
    ("albert", {"inner_group_num": 10**9}),
    ("albert", {"num_hidden_groups": 10**9}),
    ("mobilebert", {"num_feedforward_networks": 10**9}),
    ("mixtral", {"num_local_experts": 10**9}),
    ("canine", {"num_hash_functions": 10**9, "hidden_size": 10**9}),
    ("xmod", {"languages": [f"l{i}" for i in range(10**5)]}),
    ("funnel", {"block_sizes": [10**9, 1, 1]}),
    *(
        (family, {name: True, "max_position_embeddings": 10**7})
        for family, name in SINUSOIDS.items()
    ),
    ("roformer", {"max_position_embeddings": 10**7}),
    ("bert", {"max_position_embeddings": 10**12}),
    ("deberta-v2", {"relative_attention": True, "max_relative_positions": 10**12}),
    ("llama", {"head_dim": 10**12}),
]


def settings_of(family: str) -> dict[str, Any]:
    """The configuration of a small encoder."""
    settings: dict[str, Any] = CONFIG_MAPPING[family]().to_dict()
    settings |= {name: value for name, value in SMALL.items() if name in settings}
    if family == "funnel":
        settings |= {"d_head": 8, "block_sizes": [1, 1, 1], "d_inner": 64}
    if family == "xlnet":
        settings |= {"d_head": 8}
    if family == "gpt_neo":
        settings |= {"attention_types": [[["global", "local"], 1]], "num_layers": 2, "num_heads": 4}
    if family == "reformer":
        settings |= {"axial_pos_shape": [10, 13], "axial_pos_embds_dim": [16, 16]}
    return settings


def weights_of(settings: dict[str, Any]) -> dict[str, Tensor]:
    """Those that a saved model has."""
    with torch.device("meta"):
        return dict(TransformerEncoder.from_config(settings).state_dict())


class OutOfBoundsError(BaseException):
    """Not caught by who catches every Exception."""


@contextmanager
def limited(seconds: int = 20, gigabytes: int = 4) -> Iterator[None]:
    """Have what takes more processor time or memory fail, where it would take the machine along."""
    import resource

    def stop(*args: Any) -> None:
        raise OutOfBoundsError(f"took more than {seconds} s")

    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    resource.setrlimit(resource.RLIMIT_AS, (in_use + gigabytes * 2**30, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)


def check(settings: dict[str, Any], weights: dict[str, Tensor]) -> None:
    saved = Saved({}, None, weights)
    saved.check(lambda: TransformerEncoder.from_config(settings))
    TransformerEncoder.from_config(settings)  # in memory, as loading goes on


@pytest.mark.slow
@pytest.mark.parametrize("family", HONEST)
def test_encoder_of_its_own_settings_is_built(family: str) -> None:
    settings = settings_of(family)
    check(settings, weights_of(settings))


@pytest.mark.slow
@pytest.mark.parametrize("family", SINUSOIDS)
def test_encoder_with_a_table_of_sinusoids_is_built(family: str) -> None:
    settings = settings_of(family) | {SINUSOIDS[family]: True}
    check(settings, weights_of(settings))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits of the process are Linux's")
@pytest.mark.parametrize(("family", "change"), HOSTILE)
def test_settings_that_ask_for_more_than_the_weights_are_refused(
    family: str, change: dict[str, Any]
) -> None:
    settings = settings_of(family)
    weights = weights_of(settings)
    with limited(), pytest.raises(ValueError, match=r"far more|does not fit|no encoder has"):
        check(settings | change, weights)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits of the process are Linux's")
def test_matrix_for_tpus_is_not_made() -> None:
    settings = settings_of("fnet")
    change = {"use_tpu_fourier_optimizations": True, "tpu_short_seq_length": 10**7}
    with limited():
        check(settings | change, weights_of(settings))


def test_module_is_stopped_at_its_first_parameter_too_many() -> None:
    built: list[nn.Module] = []

    def build() -> None:
        built.extend(nn.Linear(3, 3) for _ in range(1000))

    weights = {"weight": torch.zeros(3, 3), "bias": torch.zeros(3)}
    message = r"w does not fit s: .*Linear whose .* 2 weights"
    with pytest.raises(ValueError, match=message), built_within(weights, of="w", by="s"):
        build()
    assert len(built) < 20
    build()  # nothing is watched any more
    assert len(built) > 1000


def test_modules_without_parameters_are_counted() -> None:
    with pytest.raises(ValueError, match="modules without end"), built_within({}, of="w", by="s"):
        nn.ModuleList(nn.Dropout() for _ in range(10_000))


def test_tensors_that_no_module_keeps_are_counted() -> None:
    message = r"makes a tensor of the shape \(10000000000,\)"
    with pytest.raises(ValueError, match=message), torch.device("meta"):  # noqa: SIM117
        with built_within({}, of="w", by="s"):
            torch.arange(10**10)


def test_modules_of_other_threads_are_not_watched() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool, built_within({}, of="w", by="s"):
        made = pool.submit(lambda: nn.Sequential(*(nn.Linear(2, 2) for _ in range(2000))))
        assert len(made.result()) == 2000


LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
         "intermediate_size": 4096, "type_vocab_size": 0}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("xlm-roberta", {"vocab_size": 250_002, "max_position_embeddings": 514, **LARGE,
                         "type_vocab_size": 1}),
        ("deberta-v2", {"vocab_size": 128_100, "max_position_embeddings": 512, **LARGE,
                        "relative_attention": True, "position_buckets": 256,
                        "norm_rel_ebd": "layer_norm", "share_att_key": True,
                        "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}),
    ],
)  # fmt: skip
def test_large_encoders_are_built(family: str, settings: dict[str, Any]) -> None:
    """Those that people use, of which filling makes several times the weights."""
    whole = CONFIG_MAPPING[family](**settings).to_dict()
    Saved({}, None, weights_of(whole)).check(lambda: TransformerEncoder.from_config(whole))
