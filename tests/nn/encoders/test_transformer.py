import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from spacy_ner_plus.models.pretrained.loading import load_encoder
from spacy_ner_plus.nn.encoders.transformer import TransformerEncoder
from tests import tiny

GetEncoder = Callable[..., TransformerEncoder]
N_WORD_FORMS = 9

each_family = pytest.mark.parametrize("family", tiny.FAMILIES)


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a random encoder of a family; each is written once."""
    return cache(lambda family: tiny.save_encoder(tmp_path_factory.mktemp(family), family))


@pytest.fixture(scope="session")
def get_encoder(encoder_folder: Callable[[str], Path]) -> GetEncoder:
    """A fresh encoder of a family, ready to predict."""

    def get(family: str, *, n_word_forms: int = 0) -> TransformerEncoder:
        folder = str(encoder_folder(family))
        return load_encoder(folder, n_word_forms=n_word_forms).eval()

    return get


def make_windows(
    lengths: list[int], *, width: int | None = None, pad_id: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Random right-padded ids, mask and forms."""
    generator = torch.Generator().manual_seed(3)
    width = width or max(lengths)
    mask = torch.arange(width) < torch.tensor(lengths).unsqueeze(1)
    ids = torch.randint(5, 300, mask.shape, generator=generator)
    forms = torch.randint(1, N_WORD_FORMS, mask.shape, generator=generator)
    return ids.where(mask, pad_id), mask, forms * mask


def assert_equal_where_real(one: Tensor, other: Tensor, mask: Tensor) -> None:
    torch.testing.assert_close(one[mask], other[mask], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@each_family
@pytest.mark.parametrize("pad_id", [0, 1])
@torch.no_grad()
def test_encoder_through_embeddings_equals_through_ids(
    family: str, pad_id: int, get_encoder: GetEncoder
) -> None:
    ids, mask, forms = make_windows([40, 17, 1, 33], pad_id=pad_id)
    plain = get_encoder(family)
    with_forms = get_encoder(family, n_word_forms=N_WORD_FORMS)
    output = plain(ids, mask, forms)
    assert output.shape == (4, 40, plain.width) == (4, 40, 32)
    assert output[mask].std() > 0.1
    assert_equal_where_real(with_forms(ids, mask, forms), output, mask)


@pytest.mark.slow
@each_family
@pytest.mark.parametrize("n_word_forms", [0, N_WORD_FORMS])
@torch.no_grad()
def test_encoder_output_does_not_depend_on_padding(
    family: str, n_word_forms: int, get_encoder: GetEncoder
) -> None:
    encoder = get_encoder(family, n_word_forms=n_word_forms)
    ids, mask, forms = make_windows([40, 17, 1, 33], width=64)
    padded = encoder(ids, mask, forms)
    for row, length in enumerate([40, 17, 1, 33]):
        cut = slice(row, row + 1), slice(0, length)
        alone = encoder(ids[cut], mask[cut], forms[cut])
        torch.testing.assert_close(padded[cut], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@each_family
@torch.no_grad()
def test_encoder_word_forms_change_the_output_once_trained(
    family: str, get_encoder: GetEncoder
) -> None:
    encoder = get_encoder(family, n_word_forms=N_WORD_FORMS)
    width = encoder.model.get_input_embeddings().embedding_dim
    assert encoder.word_forms.weight.shape == (N_WORD_FORMS, width)
    ids, mask, forms = make_windows([12])
    before = encoder(ids, mask, forms)
    encoder.word_forms.weight[2] = torch.randn(width)
    forms[:] = 3
    assert_equal_where_real(encoder(ids, mask, forms), before, mask)
    forms[0, 5] = 2
    after = encoder(ids, mask, forms)
    # seen at the piece itself, and through attention at others
    assert (after - before)[0, 5].abs().max() > 1e-3
    assert (after - before)[0, 6].abs().max() > 1e-6


@pytest.mark.parametrize("family", ["bert", "electra", "modernbert"])
def test_encoder_word_forms_learn_but_for_class_zero(family: str, get_encoder: GetEncoder) -> None:
    encoder = get_encoder(family, n_word_forms=N_WORD_FORMS)
    ids, mask, _ = make_windows([6])
    forms = torch.tensor([[0, 1, 1, 2, 2, 0]])
    encoder(ids, mask, forms).square().sum().backward()
    learned = encoder.word_forms.weight.grad.abs().sum(1) > 0
    assert learned.tolist() == [False, True, True] + [False] * 6


@pytest.mark.slow
@each_family
@pytest.mark.parametrize("n_word_forms", [0, N_WORD_FORMS])
@torch.no_grad()
def test_encoder_config_and_weights_make_it_again(
    family: str, n_word_forms: int, get_encoder: GetEncoder
) -> None:
    encoder = get_encoder(family, n_word_forms=n_word_forms)
    if n_word_forms:
        encoder.word_forms.weight[1:] = torch.randn(n_word_forms - 1, 1)
    config = json.loads(json.dumps(encoder.config))
    again = TransformerEncoder.from_config(config, n_word_forms=n_word_forms).eval()
    again.load_state_dict(encoder.state_dict())
    windows = make_windows([40, 17])
    assert torch.equal(again(*windows), encoder(*windows))
    assert (again.width, again.n_layers, again.max_pieces) == (
        encoder.width,
        encoder.n_layers,
        encoder.max_pieces,
    )
    assert again.model.config._attn_implementation == encoder.model.config._attn_implementation
    assert again.config == encoder.config


def test_encoder_config_does_not_tell_where_it_came_from(
    encoder_folder: Callable[[str], Path], get_encoder: GetEncoder
) -> None:
    """It is saved with every trained pipeline."""
    assert str(encoder_folder("bert")) not in json.dumps(get_encoder("bert").config)


@each_family
def test_encoder_uses_fused_attention_where_the_architecture_has_it(
    family: str, get_encoder: GetEncoder
) -> None:
    attention = get_encoder(family).model.config._attn_implementation
    if family in ("bert", "roberta", "xlm-roberta", "distilbert", "modernbert"):
        assert attention == "sdpa"
    else:  # these have it in some versions of transformers, or in none
        assert attention in ("eager", "sdpa")


@each_family
def test_encoder_parameters_are_in_layers_from_the_embeddings_up(
    family: str, get_encoder: GetEncoder
) -> None:
    encoder = get_encoder(family)
    assert encoder.n_layers == 2
    layers = {name: encoder.layer_of(name) for name, _ in encoder.model.named_parameters()}
    assert set(layers.values()) == {0, 1, 2}
    (embedding,) = (n for n in layers if "word_embeddings" in n or "tok_embeddings" in n)
    assert layers[embedding] == 0
    for name, layer in layers.items():
        if ".0." in name:
            assert layer == 1
        elif ".1." in name:
            assert layer == 2
        else:
            # what comes behind the last layer belongs to it
            assert layer == (2 if "final_norm" in name else 0)


def test_encoder_layer_of_does_not_stop_at_one_digit(get_encoder: GetEncoder) -> None:
    encoder = get_encoder("bert")
    assert encoder.layer_of("encoder.layer.11.attention.self.query.weight") == 12
    assert encoder.layer_of("embeddings.position_embeddings.weight") == 0
    assert encoder.layer_of("transformer.h.3.ln_1.weight") == 4


MAX_PIECES = {
    "bert": 130,
    "roberta": 128,
    "distilbert": 130,
    "deberta-v2": None,
    "xlm-roberta": 128,
    "electra": 130,
    "mpnet": 128,
    "modernbert": None,
}


@each_family
@pytest.mark.parametrize("n_word_forms", [0, N_WORD_FORMS])
@torch.no_grad()
def test_encoder_reads_as_many_pieces_as_it_says_and_no_more(
    family: str, n_word_forms: int, get_encoder: GetEncoder
) -> None:
    encoder = get_encoder(family, n_word_forms=n_word_forms)
    limit = encoder.max_pieces
    assert limit == MAX_PIECES[family]
    output = encoder(*make_windows([limit or 300, 5]))
    assert output.isfinite().all()
    if limit is not None:
        with pytest.raises((IndexError, RuntimeError)):
            encoder(*make_windows([limit + 1, 5]))


@each_family
def test_encoder_has_no_pooler(family: str, get_encoder: GetEncoder) -> None:
    assert not [name for name, _ in get_encoder(family).named_parameters() if "pooler" in name]


def test_encoder_is_in_fp32_whatever_the_checkpoint_says(tmp_path: Path) -> None:
    folder = tiny.save_encoder(tmp_path)
    AutoModel.from_pretrained(folder).half().save_pretrained(folder)
    saved = json.loads((folder / "config.json").read_text())
    assert saved.get("dtype", saved.get("torch_dtype")) == "float16"  # the name since 4.56; before
    encoder = load_encoder(str(folder), n_word_forms=0)
    again = TransformerEncoder.from_config(encoder.config)
    for one in (encoder, again):
        assert {p.dtype for p in one.parameters()} == {torch.float32}


SMALL = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "pad_token_id": 1,
    "mask_token_id": 4,
}


def test_encoder_refuses_an_encoder_decoder() -> None:
    config = AutoConfig.for_model(
        "t5", vocab_size=50, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2
    )
    with pytest.raises(ValueError, match="'t5' is an encoder-decoder"):
        TransformerEncoder(AutoModel.from_config(config))


@torch.no_grad()
def test_encoder_refuses_word_forms_where_embeddings_are_no_input() -> None:
    model = AutoModel.from_config(AutoConfig.for_model("esm", **SMALL))
    with pytest.raises(ValueError, match=r"'esm' takes no input embeddings.*word_forms = null"):
        TransformerEncoder(model, n_word_forms=N_WORD_FORMS)
    ids, mask, forms = make_windows([7, 4])
    assert TransformerEncoder(model).eval()(ids % 50, mask, forms).shape == (2, 7, 16)


@pytest.mark.slow
@each_family
@pytest.mark.parametrize("recomputes", [False, True])
def test_training_reads_what_prediction_reads(
    family: str, recomputes: bool, get_encoder: GetEncoder
) -> None:
    """In bf16, with functions of its own, also where layers are computed again on the way back."""
    encoder = get_encoder(family)
    for module in encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    windows = make_windows([40, 17])
    mask = windows[1]
    outputs, gradients = [], []
    for is_training in (False, True):
        encoder.train(is_training).zero_grad()
        if is_training and recomputes and encoder.model.supports_gradient_checkpointing:
            encoder.recompute_layers()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_training):
            found = encoder(*windows).float()[mask]  # (n_pieces, width)
        (found * torch.linspace(-1, 1, found.shape[1])).sum().backward()
        outputs.append(found.detach())
        learning = [p for p in encoder.parameters() if p.grad is not None]
        gradients.append(torch.cat([p.grad.flatten() for p in learning]))
    torch.testing.assert_close(*outputs, rtol=0.05, atol=0.05)
    assert torch.cosine_similarity(*gradients, dim=0) > 0.999
