"""What is taken from an encoder's stored configuration, which may be a stranger's.

It is data, but the transformers library acts on some of it: it fetches code named by `auto_map` or
an attention kernel named by `attn_implementation`, weights of a `backbone`, and builds whatever
model a configuration within the configuration names.
"""

from collections.abc import Iterator, Mapping
from typing import Any

# Where it came from, whose code to run, how weights were stored, and about a head that it had
# there: nothing that a forward pass of saved weights needs. What starts with an underscore is left
# out too: a folder of the machine that trained it, and a mark that makes transformers 4.48 build
# it with slow attention.
_LEFT_OUT = frozenset(
    {
        "auto_map",
        "trust_remote_code",
        "name_or_path",
        "attn_implementation",
        "experts_implementation",
        "use_kernels",
        "dtype",
        "torch_dtype",
        "quantization_config",
        "compression_config",
        "architectures",
        "problem_type",
        "id2label",
        "label2id",
        "num_labels",
    }
)
_FETCHES_WEIGHTS = ("backbone", "backbone_config", "use_pretrained_backbone", "use_timm_backbone")
# No encoder comes near; a module is made for each, however small.
MAX_LAYERS = 200
# In lists, such as GPT-Neo's of how often kinds of attention alternate, which is written out.
MAX_IN_LISTS = 1 << 20


def plain_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without what could have code run, files read or the network used.

    RAISES ValueError: If it makes no sense without that, has no model type, or has absurdly many
        layers. What else it asks for, models/storage/bounded_building.py compares with the weights.
    """
    if not isinstance(config.get("model_type"), str):
        raise ValueError("The encoder's configuration has no model_type.")
    for name, value in config.items():
        if name in _FETCHES_WEIGHTS and value:
            raise ValueError(
                f"The encoder's configuration has a {name}: ner_plus needs a plain text encoder, "
                "and loads no further model for one."
            )
        if isinstance(value, Mapping) and value.get("model_type"):
            raise ValueError(
                f"The encoder's configuration holds that of another model ({name}): ner_plus needs "
                "a plain text encoder."
            )
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if is_number and "layers" in name and value > MAX_LAYERS:
            raise ValueError(
                f"The encoder's configuration says {name} = {value}: no encoder has more than "
                f"{MAX_LAYERS}."
            )
        if (largest := max(_in_lists(value), default=0)) > MAX_IN_LISTS:
            raise ValueError(
                f"The encoder's configuration has {largest} in {name}: no encoder has more than "
                f"{MAX_IN_LISTS:,} of anything."
            )
    return {
        name: value
        for name, value in config.items()
        if not name.startswith("_") and name not in _LEFT_OUT
    }


def _in_lists(value: object) -> Iterator[int]:
    """The integers in a list and the lists in it."""
    if isinstance(value, (list, tuple)):
        for item in value:
            if isinstance(item, int):
                yield item
            else:
                yield from _in_lists(item)
