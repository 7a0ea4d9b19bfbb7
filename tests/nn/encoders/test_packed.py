import pickle
from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from spacy_ner_plus.models.pretrained.loading import load_encoder
from spacy_ner_plus.nn.encoders import packed
from spacy_ner_plus.nn.encoders.packed import PackedCopy, PackedLinear, can_pack, pack
from spacy_ner_plus.nn.encoders.transformer import TransformerEncoder
from tests import tiny

DTYPES = [torch.float32, torch.bfloat16]
each_dtype = pytest.mark.parametrize("dtype", [d for d in DTYPES if can_pack(d)], ids=str)
needs_packing = pytest.mark.skipif(not can_pack(torch.float32), reason="no oneDNN here")


def windows(lengths: tuple[int, ...] = (24, 24, 9)) -> tuple[Tensor, Tensor, Tensor]:
    """Random right-padded ids, mask and forms."""
    generator = torch.Generator().manual_seed(1)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)
    ids = torch.randint(5, 300, mask.shape, generator=generator).where(mask, 0)
    return ids, mask, torch.ones_like(ids) * mask


def read(encoder: TransformerEncoder, dtype: torch.dtype, *, is_packed: bool) -> Tensor:
    """What it gives in prediction, (pieces, width); without inference mode nothing is packed."""
    mode = torch.inference_mode() if is_packed else torch.no_grad()
    ids, mask, forms = windows()
    with mode, torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
        return encoder.eval()(ids, mask, forms)[mask].float()


@pytest.fixture
def encoder(tmp_path) -> TransformerEncoder:
    return load_encoder(str(tiny.save_encoder(tmp_path, "bert")), n_word_forms=3)


def n_packed(model: nn.Module) -> int:
    return sum(isinstance(part, PackedLinear) for part in model.modules())


@pytest.mark.slow
@pytest.mark.parametrize("family", tiny.FAMILIES)
@each_dtype
def test_packed_copies_give_what_the_model_gives(family: str, dtype: torch.dtype, tmp_path) -> None:
    encoder = load_encoder(str(tiny.save_encoder(tmp_path, family)), n_word_forms=0).eval()
    exact = read(encoder, torch.float32, is_packed=False)  # (pieces, width)
    plain = read(encoder, dtype, is_packed=False)
    fast = read(encoder, dtype, is_packed=True)
    assert n_packed(encoder._packed._kept.copy) > 5
    if dtype == torch.float32:
        torch.testing.assert_close(fast, exact, rtol=1e-4, atol=1e-5)
    else:  # what autocast rounds, and the sums between the layers
        rounding = torch.finfo(dtype).eps * rms(exact)
        assert rms(fast - exact) <= 2 * (rms(plain - exact) + rounding)


def rms(values: Tensor) -> float:
    return float(values.square().mean().sqrt())


@each_dtype
def test_rows_do_not_depend_on_others(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    layer = PackedLinear(nn.Linear(128, 96), dtype)
    inputs = torch.randn(1500, 128)
    with torch.inference_mode():
        whole = layer(inputs)
        for n in (2, 7, 64, 300, 1024):
            assert torch.equal(layer(inputs[:n]), whole[:n])


@needs_packing
@pytest.mark.parametrize(
    "change",
    [
        lambda weight: setattr(weight, "data", weight.data * 9.0),
        lambda weight: weight.detach().mul_(9.0),
        lambda weight: torch.optim.SGD([weight], lr=1.0).step(),
    ],
)
def test_changed_weights_are_packed_anew(
    change: Callable[[nn.Parameter], object], encoder: TransformerEncoder
) -> None:
    weight = encoder.model.encoder.layer[0].output.dense.weight
    weight.grad = torch.randn_like(weight)
    before = read(encoder, torch.float32, is_packed=True)
    change(weight)
    after = read(encoder, torch.float32, is_packed=True)
    assert not torch.allclose(before, after, atol=1e-3)
    expected = read(encoder, torch.float32, is_packed=False)
    torch.testing.assert_close(after, expected, rtol=1e-4, atol=1e-5)


@needs_packing
def test_loaded_weights_are_packed_anew(encoder: TransformerEncoder, tmp_path) -> None:
    other = load_encoder(str(tiny.save_encoder(tmp_path, "bert", seed=5)), n_word_forms=3)
    read(encoder, torch.float32, is_packed=True)
    encoder.load_state_dict(other.state_dict())
    torch.testing.assert_close(
        read(encoder, torch.float32, is_packed=True), read(other, torch.float32, is_packed=False)
    )


@needs_packing
def test_unchanged_weights_are_packed_once_for_each_type(
    encoder: TransformerEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    packs = []
    monkeypatch.setattr(packed, "pack", lambda *args: packs.append(args[1]) or pack(*args))
    for dtype in (torch.float32, torch.float32, torch.bfloat16, torch.bfloat16):
        read(encoder, dtype, is_packed=True)
    assert packs == [dtype for dtype in DTYPES if can_pack(dtype)]


@needs_packing
def test_nothing_is_kept_while_a_model_learns(encoder: TransformerEncoder) -> None:
    read(encoder, torch.float32, is_packed=True)
    assert encoder._packed._kept is not None
    encoder.train()
    assert encoder._packed._kept is None


@needs_packing
def test_only_linear_weights_are_copied(encoder: TransformerEncoder) -> None:
    names = list(encoder.state_dict())
    read(encoder, torch.float32, is_packed=True)
    assert list(encoder.state_dict()) == names
    copy = encoder._packed.get()
    own = dict(encoder.model.named_parameters())
    shared = {p.data_ptr() for p in copy.parameters()}
    assert {p.data_ptr() for p in own.values()} == shared


@needs_packing
def test_copies_of_an_encoder_pack_their_own_weights(encoder: TransformerEncoder) -> None:
    before = read(encoder, torch.float32, is_packed=True)
    for copy in (deepcopy(encoder), pickle.loads(pickle.dumps(encoder))):
        torch.testing.assert_close(read(copy, torch.float32, is_packed=True), before)
        with torch.no_grad():
            copy.model.encoder.layer[0].output.dense.weight.mul_(9.0)
        assert not torch.allclose(read(copy, torch.float32, is_packed=True), before, atol=1e-3)
    torch.testing.assert_close(read(encoder, torch.float32, is_packed=True), before)


class _Block(nn.Module):
    def __init__(self, activation: Callable[[Tensor], Tensor], *more: nn.Module) -> None:
        super().__init__()
        self.dense = nn.Linear(16, 24)
        self.activation = activation
        self.more = nn.ModuleList(more) if more else None

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.dense(x))


class _GeluBefore(_Block):
    def forward(self, x: Tensor) -> Tensor:
        return self.dense(self.activation(x))


@needs_packing
@pytest.mark.parametrize(
    ("block", "is_fused"),
    [
        (_Block(nn.GELU()), True),
        (_Block(nn.GELU(approximate="tanh")), False),
        (_Block(nn.ReLU()), False),
        (_Block(nn.Identity()), False),
        (_Block(functional.gelu), False),
        (_Block(nn.GELU(), nn.Linear(2, 2)), False),
        (_GeluBefore(nn.GELU()), False),
    ],
)
def test_gelu_is_fused_where_it_is_what_follows(block: nn.Module, is_fused: bool) -> None:
    model = nn.Sequential(block)
    copy = pack(model, torch.float32)
    assert (copy[0].dense._then == packed.GELU) == is_fused
    inputs = torch.randn(5, 16)
    with torch.inference_mode():
        torch.testing.assert_close(copy(inputs), model(inputs))


def test_models_are_read_as_they_are_where_nothing_can_be_packed(
    encoder: TransformerEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "can_pack", lambda dtype: False)
    assert PackedCopy(encoder.model).get() is encoder.model
    meta = nn.Linear(4, 4, device="meta")
    assert PackedCopy(meta).get() is meta
    empty = nn.Identity()
    assert PackedCopy(empty).get() is empty


def test_asking_what_can_be_packed_draws_no_random_numbers() -> None:
    state = torch.get_rng_state()
    can_pack.__wrapped__(torch.float32)
    assert torch.equal(torch.get_rng_state(), state)


def test_missing_operators_and_wrong_results_mean_no_packing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken(PackedLinear):
        def __init__(self, *args: object) -> None:
            raise AttributeError("no such operator")

    class Wrong(nn.Module):
        def __init__(self, linear: nn.Linear, *_: object) -> None:
            super().__init__()
            self.linear = linear

        def forward(self, inputs: Tensor) -> Tensor:
            return self.linear(inputs) * 1.1

    for replacement in (Broken, Wrong):
        monkeypatch.setattr(packed, "PackedLinear", replacement)
        assert not can_pack.__wrapped__(torch.float32)
