import copy
import json
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import safetensors.torch
import srsly
import torch
from spacy.language import Language
from thinc.api import Adam, Model, warmup_linear
from transformers import AutoModel, AutoTokenizer

from spacy_ner_plus.models.architectures.transformer_tagger import build_transformer_tagger_v1
from spacy_ner_plus.models.decoding.calibration import Calibration
from spacy_ner_plus.models.runtime.optimizer import MAX_ENCODER_RATE, SAFE_ENCODER_RATE
from spacy_ner_plus.models.runtime.tagger_shim import TaggerShim
from spacy_ner_plus.models.storage.files import as_bytes
from spacy_ner_plus.tags import TagScheme

MakeTagger = Callable[..., Model]
FILES = {"weights.safetensors", "tagger.json", "tokenizer.json"}
TEXTS = ["Bob Smith flew to Paris on Monday.", "x" * 200, "", "no entities here"]


def shim_of(model: Model) -> TaggerShim:
    shim = model.shims[0]
    assert isinstance(shim, TaggerShim)
    return shim


def files_of(model: Model) -> dict[str, bytes]:
    return as_bytes(shim_of(model).to_files())


def set_gradients(shim: TaggerShim, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    for parameter in shim.module.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)
    return {name: p.grad.clone() for name, p in shim.module.named_parameters()}


def settings_of(shim: TaggerShim) -> dict[str, dict[str, Any]]:
    """The settings under which each parameter was last updated, by its name."""
    names = {id(p): name for name, p in shim.module.named_parameters()}
    groups = shim._optimizer.adamw.param_groups
    found = [(names[id(p)], group) for group in groups for p in group["params"]]
    assert len(found) == len(dict(found))
    return dict(found)


def weights_of(model: Model) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in shim_of(model).module.state_dict().items()}


def assert_same(one: Model, other: Model, nlp: Language) -> None:
    weights, others = weights_of(one), weights_of(other)
    assert set(weights) == set(others)
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    docs = [nlp(text) for text in TEXTS]
    torch.testing.assert_close(
        one.predict(docs).scores, other.predict(docs).scores, rtol=0, atol=1e-6
    )
    assert shim_of(one).scheme == shim_of(other).scheme


# Learning


def test_finish_update_groups_parameters_by_rate_and_decay(make_tagger: MakeTagger) -> None:
    shim = shim_of(make_tagger(head_lr_scale=7.0, lr_decay=0.5))
    before = {name for name, _ in shim.module.named_parameters()}
    set_gradients(shim)
    shim.finish_update(Adam(1e-4, beta1=0.8, beta2=0.95, eps=1e-7, L2=0.03, grad_clip=1.0))
    settings = settings_of(shim)
    assert set(settings) == before
    scales = set()
    for name, group in settings.items():
        if name.startswith(("head.", "encoder.word_forms.")):
            scale = 7.0
        elif ".layer.1." in name:
            scale = 1.0
        elif ".layer.0." in name:
            scale = 0.5
        else:
            scale = 0.25
        scales.add(scale)
        assert group["lr"] == pytest.approx(1e-4 * scale), name
        assert group["betas"] == (0.8, 0.95)
        assert group["eps"] == 1e-7
        plain = name.endswith("bias") or "LayerNorm" in name
        plain = plain or "decoder" in name or "word_forms" in name
        assert group["weight_decay"] == (0.0 if plain else 0.03), name
    assert scales == {7.0, 1.0, 0.5, 0.25}
    assert any("decoder.transition" in name for name in settings)
    assert settings["head.linear.weight"]["weight_decay"] == 0.03


def test_finish_update_follows_the_schedule(make_tagger: MakeTagger) -> None:
    shim = shim_of(make_tagger(head_lr_scale=10.0))
    optimizer = Adam(warmup_linear(4e-4, 2, 6), L2=0.0, grad_clip=1.0)
    rates = []
    for step in range(6):
        set_gradients(shim, step)
        shim.finish_update(optimizer)
        optimizer.step_schedules()
        settings = settings_of(shim)
        rates.append(settings["encoder.model.embeddings.word_embeddings.weight"]["lr"])
        assert settings["head.linear.bias"]["lr"] == pytest.approx(10 * rates[-1])
    assert rates == pytest.approx([0.0, 2e-4, 4e-4, 3e-4, 2e-4, 1e-4])


def test_finish_update_takes_an_adamw_step(make_tagger: MakeTagger) -> None:
    """Two steps by hand on a matrix, which decays, and on a bias, which does not."""
    shim = shim_of(make_tagger(head_lr_scale=3.0))
    optimizer = Adam(2e-4, beta1=0.7, beta2=0.9, eps=1e-3, L2=0.5, grad_clip=0.0)
    linear = shim.module.head.linear
    for parameter, decay in ((linear.weight, 0.5), (linear.bias, 0.0)):
        value = parameter.detach().clone().double()
        mean, square = torch.zeros_like(value), torch.zeros_like(value)
        shim._optimizer = None
        for step in (1, 2):
            gradients = set_gradients(shim, step)
            name = "head.linear.weight" if parameter is linear.weight else "head.linear.bias"
            gradient = gradients[name].double()
            shim.finish_update(optimizer)
            mean = 0.7 * mean + 0.3 * gradient
            square = 0.9 * square + 0.1 * gradient**2
            rate = 6e-4
            value = value * (1 - rate * decay)
            root = (square / (1 - 0.9**step)).sqrt() + 1e-3
            value = value - rate * mean / (1 - 0.7**step) / root
        torch.testing.assert_close(parameter.double(), value, rtol=0, atol=1e-6)


@pytest.mark.parametrize("clip", [0.5, 1e9, 0.0])
def test_finish_update_clips_all_gradients_together(clip: float, make_tagger: MakeTagger) -> None:
    shim = shim_of(make_tagger())
    gradients = set_gradients(shim)
    norm = torch.cat([g.flatten() for g in gradients.values()]).double().square().sum().sqrt()
    assert norm > 100
    shim.finish_update(Adam(1e-4, beta1=0.75, grad_clip=clip))
    factor = min(1.0, clip / float(norm)) if clip else 1.0
    for name, parameter in shim.module.named_parameters():
        moment = shim._optimizer.adamw.state[parameter]["exp_avg"]
        # after one step, the running mean is (1 - beta1) times the gradient
        torch.testing.assert_close(moment / 0.25, factor * gradients[name], rtol=1e-4, atol=1e-9)


def test_finish_update_forgets_the_gradients(make_tagger: MakeTagger) -> None:
    shim = shim_of(make_tagger())
    set_gradients(shim)
    shim.finish_update(Adam(1e-4))
    assert all(parameter.grad is None for parameter in shim.module.parameters())
    before = weights_of_shim(shim)
    shim.finish_update(Adam(1e-4))  # nothing has been learned since
    assert all(torch.equal(before[k], v) for k, v in shim.module.state_dict().items())


def weights_of_shim(shim: TaggerShim) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in shim.module.state_dict().items()}


def test_finish_update_without_any_gradient_changes_nothing(make_tagger: MakeTagger) -> None:
    shim = shim_of(make_tagger())
    before = weights_of_shim(shim)
    shim.finish_update(Adam(1e-4, L2=0.5))
    assert all(torch.equal(before[k], v) for k, v in shim.module.state_dict().items())


def test_finish_update_leaves_frozen_parameters_alone(make_tagger: MakeTagger) -> None:
    shim = shim_of(make_tagger())
    frozen = shim.module.encoder.model.embeddings
    frozen.requires_grad_(False)
    set_gradients(shim)
    before = {k: v.clone() for k, v in frozen.state_dict().items()}
    shim.finish_update(Adam(1e-4, L2=0.5))
    assert all(torch.equal(before[k], v) for k, v in frozen.state_dict().items())
    assert not any("embeddings" in name for name in settings_of(shim))


@pytest.mark.parametrize("rate", [1e-3, 0.01])
def test_finish_update_protects_the_encoder_from_a_high_rate(
    rate: float, make_tagger: MakeTagger
) -> None:
    """spaCy's own default is 0.001."""
    shim = shim_of(make_tagger(head_lr_scale=10.0))
    set_gradients(shim)
    message = rf"rate above 0\.0005 would wreck.*{SAFE_ENCODER_RATE:g} is used"
    with pytest.warns(UserWarning, match=message):
        shim.finish_update(Adam(rate))
    settings = settings_of(shim)
    assert settings["encoder.model.embeddings.LayerNorm.weight"]["lr"] == SAFE_ENCODER_RATE
    assert settings["head.linear.weight"]["lr"] == 10 * SAFE_ENCODER_RATE


def test_finish_update_leaves_a_usual_rate_alone(make_tagger: MakeTagger) -> None:
    shim = shim_of(make_tagger())
    set_gradients(shim)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shim.finish_update(Adam(MAX_ENCODER_RATE))
    name = "encoder.model.embeddings.LayerNorm.weight"
    assert settings_of(shim)[name]["lr"] == MAX_ENCODER_RATE


def test_gradients_of_several_batches_add_up(make_tagger: MakeTagger, nlp: Language) -> None:
    """As with spaCy's accumulate_gradient."""
    shim = shim_of(model := make_tagger(dropout=0.0))
    batches = [[nlp("Bob Smith flew")], [nlp("to Paris"), nlp("on Monday")]]

    def learn(docs: list) -> None:
        emissions, backprop = model.begin_update(docs)
        backprop(torch.ones_like(emissions.scores))

    sums: dict[str, torch.Tensor] = {}
    for docs in batches:
        learn(docs)
        for name, parameter in shim.module.named_parameters():
            if parameter.grad is not None:
                sums[name] = sums.get(name, 0) + parameter.grad
        shim.module.zero_grad()
    for docs in batches:
        learn(docs)
    for name, parameter in shim.module.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(parameter.grad, sums[name], rtol=1e-4, atol=1e-6)
    assert sums["encoder.model.embeddings.word_embeddings.weight"].abs().sum() > 0


def test_backprop_gives_the_gradient_of_the_emissions(
    make_tagger: MakeTagger, nlp: Language
) -> None:
    model = make_tagger(dropout=0.0, overlap=0)
    docs = [nlp("Bob Smith flew"), nlp("to Paris")]
    emissions, backprop = model.begin_update(docs)
    gradient = torch.randn_like(emissions.scores)
    assert backprop(gradient) == []
    linear = shim_of(model).module.head.linear
    torch.testing.assert_close(linear.bias.grad, gradient.sum(0))


def test_predict_drops_nothing_and_begin_update_does(
    make_tagger: MakeTagger, nlp: Language
) -> None:
    model = make_tagger(dropout=0.5)
    docs = [nlp(text) for text in TEXTS]
    predicted = model.predict(docs).scores
    assert not predicted.requires_grad
    torch.manual_seed(0)
    trained = model.begin_update(docs)[0].scores
    assert not torch.allclose(trained, predicted, atol=1e-3)
    assert torch.equal(model.predict(docs).scores, predicted)


def test_precision_is_that_of_the_encoder_only(make_tagger: MakeTagger, nlp: Language) -> None:
    docs = [nlp(text) for text in TEXTS]
    full = make_tagger(precision="fp32").predict(docs).scores
    half_model = make_tagger(precision="bf16")
    half = half_model.predict(docs).scores
    assert half.dtype == full.dtype == torch.float32
    assert 0 < (half - full).abs().max() < 0.3
    assert {p.dtype for p in shim_of(half_model).module.parameters()} == {torch.float32}


def test_shim_ignores_thincs_device(make_tagger: MakeTagger) -> None:
    shim = shim_of(make_tagger())
    shim.to_device("cpu", -1)
    assert shim.device == torch.device("cpu")


# Files


def rebuilt(model: Model, **settings: Any) -> Model:
    """A model without weights, of the settings that make_tagger uses."""
    settings = {"window": 32, "overlap": 8, "device": "cpu", "precision": "fp32", **settings}
    return build_transformer_tagger_v1(model.attrs["name"], **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"use_crf": False, "pooling": "mean", "word_forms": None},
        {"scheme": TagScheme("BILOU", ["a-b", "ü", "Z"])},
        {"scheme": TagScheme("BIO", [])},
    ],
)
def test_files_make_the_same_model_without_the_encoders_folder(
    settings: dict[str, Any],
    make_tagger: MakeTagger,
    nlp: Language,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = make_tagger(**settings)
    files = files_of(model)
    assert set(files) == FILES
    for loader in (AutoModel, AutoTokenizer):
        monkeypatch.delattr(loader, "from_pretrained")
    settings.pop("scheme", None)
    loaded = rebuilt(model, **settings)
    loaded.attrs["name"] = "no/such/encoder"
    shim_of(loaded).from_files(files)
    assert_same(loaded, model, nlp)
    again = rebuilt(model, **settings).from_bytes(model.to_bytes())
    assert_same(again, model, nlp)
    assert files_of(loaded) == files


def test_files_hold_no_pickle_and_no_path_of_this_machine(make_tagger: MakeTagger) -> None:
    model = make_tagger()
    files = files_of(model)
    settings = json.loads(files["tagger.json"])
    assert settings["scheme"] == {"name": "BIO", "labels": ["PER", "LOC"]}
    structure = {"pooling": "first", "mix_layers": 0, "characters": None, "use_crf": True}
    assert settings["structure"] == structure
    json.loads(files["tokenizer.json"])
    weights = safetensors.torch.load(files["weights.safetensors"])
    expected = weights_of(model)
    assert set(weights) == set(expected)
    assert all(torch.equal(weights[name], expected[name]) for name in weights)
    packed = model.to_bytes()
    assert b"PK\x03\x04" not in packed
    assert b"torch" not in files["weights.safetensors"]
    assert model.attrs["name"].encode() not in b"".join(files.values())


def test_files_without_weights_have_the_scheme(make_tagger: MakeTagger) -> None:
    model = make_tagger()
    empty = rebuilt(model)
    scheme = TagScheme("BILOU", ["ü", "A"])
    shim_of(empty).start(scheme)
    files = files_of(empty)
    assert json.loads(files.pop("tagger.json")) == {
        "format": 3,
        "scheme": {"name": "BILOU", "labels": ["ü", "A"]},
    }
    assert not files
    shim = shim_of(model)
    shim.calibration, shim.fresh_labels = Calibration(2.0), ("LOC",)
    shim.from_files(files_of(empty))  # over a trained one
    assert not shim.is_built and shim.scheme == scheme
    assert (shim.calibration, shim.fresh_labels) == (Calibration(), ())


@pytest.mark.parametrize("change", [{"scheme": 3}, {"scheme": {"name": "BIO"}}, {"scheme": None}])
def test_from_files_with_no_scheme(change: dict[str, Any], make_tagger: MakeTagger) -> None:
    model = make_tagger()
    files = change_settings(files_of(rebuilt(model)), **change)
    with pytest.raises(ValueError, match=r"damaged: tagger\.json has no tag scheme"):
        shim_of(model).from_files(files)
    assert shim_of(model).is_built


@pytest.mark.parametrize("name", sorted(FILES))
def test_from_files_with_a_file_missing(name: str, make_tagger: MakeTagger) -> None:
    model = make_tagger()
    files = files_of(model)
    del files[name]
    with pytest.raises(ValueError, match=f"lacks {name}"):
        shim_of(rebuilt(model)).from_files(files)


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"\xff" * 64, lambda b: b""]
)
def test_from_files_with_damaged_weights(
    damage: Callable[[bytes], bytes], make_tagger: MakeTagger
) -> None:
    model = make_tagger()
    files = files_of(model)
    files["weights.safetensors"] = damage(files["weights.safetensors"])
    with pytest.raises(ValueError, match=r"is damaged: weights\.safetensors is no safetensors"):
        shim_of(rebuilt(model)).from_files(files)


def test_from_files_with_damaged_settings(make_tagger: MakeTagger) -> None:
    model = make_tagger()
    files = files_of(model)
    files["tagger.json"] = files["tagger.json"][:50]
    with pytest.raises(ValueError, match=r"is damaged: tagger\.json is no JSON"):
        shim_of(rebuilt(model)).from_files(files)


def change_settings(files: dict[str, bytes], **changes: Any) -> dict[str, bytes]:
    settings = {**json.loads(files["tagger.json"]), **changes}
    return {**files, "tagger.json": json.dumps(settings).encode("utf8")}


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (4, r"format 4.*reads formats up to 3: install"),
        (0, "no format number: 0"),
        (None, "no format number: None"),
        (True, "no format number: True"),
    ],
)
def test_from_files_of_another_format(
    version: int | None, message: str, make_tagger: MakeTagger
) -> None:
    model = make_tagger()
    files = change_settings(files_of(model), format=version)
    with pytest.raises(ValueError, match=message):
        shim_of(rebuilt(model)).from_files(files)


@pytest.mark.parametrize(
    ("setting", "saved", "configured"),
    [("pooling", "first", "mean"), ("use_crf", True, False)],
)
def test_from_files_of_another_structure(
    setting: str, saved: Any, configured: Any, make_tagger: MakeTagger
) -> None:
    model = make_tagger(**{setting: saved})
    other = rebuilt(model, **{setting: configured})
    with pytest.raises(ValueError, match=rf"trained with {setting} = {saved!r}.*{configured!r}"):
        shim_of(other).from_files(files_of(model))


@pytest.mark.parametrize(
    ("saved", "configured", "message"),
    [("casing", None, "trained with word forms"), (None, "casing", "trained without word forms")],
)
def test_from_files_with_and_without_word_forms(
    saved: str | None, configured: str | None, message: str, make_tagger: MakeTagger
) -> None:
    model = make_tagger(word_forms=saved)
    files = files_of(model)
    with pytest.raises(ValueError, match=message):
        shim_of(rebuilt(model, word_forms=configured)).from_files(files)
    shim_of(follows := rebuilt(model, word_forms="auto")).from_files(files)
    assert (shim_of(follows).module.encoder.word_forms is not None) == (saved == "casing")


def test_from_files_with_weights_that_do_not_fit(make_tagger: MakeTagger) -> None:
    model = make_tagger()
    files = files_of(model)
    weights = safetensors.torch.load(files["weights.safetensors"])
    bias = weights.pop("head.linear.bias")
    lacking = {**files, "weights.safetensors": safetensors.torch.save(weights)}
    with pytest.raises(ValueError, match=r"missing \['head.linear.bias'\]"):
        shim_of(rebuilt(model)).from_files(lacking)
    weights["head.linear.bias"] = bias
    weights["head.other"] = bias.clone()
    more = {**files, "weights.safetensors": safetensors.torch.save(weights)}
    with pytest.raises(ValueError, match=r"unexpected \['head.other'\]"):
        shim_of(rebuilt(model)).from_files(more)
    other_labels = change_settings(files, scheme={"name": "BIO", "labels": ["PER"]})
    with pytest.raises(ValueError, match=r"linear.weight has shape \(5, 32\), where \(3, 32\)"):
        shim_of(rebuilt(model)).from_files(other_labels)


@pytest.mark.parametrize("settings", [{"window": 20, "overlap": 2}, {"max_batch_pieces": 64}])
def test_from_files_with_other_settings_of_the_run(
    settings: dict[str, Any], make_tagger: MakeTagger, nlp: Language
) -> None:
    model = make_tagger()
    other = rebuilt(model, **settings)
    shim_of(other).from_files(files_of(model))
    docs = [nlp("Bob Smith flew to Paris.")]
    torch.testing.assert_close(
        other.predict(docs).scores, model.predict(docs).scores, rtol=0, atol=1e-4
    )


@pytest.mark.parametrize(
    "copied",
    [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy, lambda m: m.copy()],
    ids=["pickle", "deepcopy", "copy"],
)
def test_copies_predict_alike_and_share_nothing(
    copied: Callable[[Model], Model], make_tagger: MakeTagger, nlp: Language
) -> None:
    model = make_tagger()
    shim = shim_of(model)
    set_gradients(shim)
    shim.finish_update(Adam(1e-4))
    other = copied(model)
    assert_same(other, model, nlp)
    assert shim_of(other)._optimizer is None
    assert b"exp_avg" not in pickle.dumps(model)
    assert shim_of(other).config == shim.config
    before = weights_of(model)
    set_gradients(shim_of(other))
    shim_of(other).finish_update(Adam(1e-4))
    assert all(torch.equal(before[name], value) for name, value in weights_of(model).items())
    assert not torch.equal(weights_of(other)["head.linear.weight"], before["head.linear.weight"])


def test_copy_of_a_model_without_weights_has_its_labels(make_tagger: MakeTagger) -> None:
    empty = rebuilt(make_tagger())
    shim_of(empty).scheme = TagScheme("BIO", ["X"])
    other = shim_of(pickle.loads(pickle.dumps(empty)))
    assert not other.is_built
    assert other.scheme.labels == ("X",)


def test_model_without_weights_says_so(make_tagger: MakeTagger, nlp: Language) -> None:
    empty = rebuilt(make_tagger())
    shim = shim_of(empty)
    for use in (
        lambda: empty.predict([nlp("a")]),
        lambda: empty.begin_update([nlp("a")]),
        lambda: shim.module,
        lambda: shim.tokenizer,
        lambda: shim.finish_update(Adam(1e-4)),
    ):
        with pytest.raises(ValueError, match=r"no weights yet: call nlp\.initialize"):
            use()


def test_new_weights_get_a_new_optimizer(make_tagger: MakeTagger) -> None:
    model = make_tagger()
    shim = shim_of(model)
    set_gradients(shim)
    shim.finish_update(Adam(1e-4))
    model.initialize()
    before = weights_of(model)
    set_gradients(shim)
    shim.finish_update(Adam(1e-4))
    assert not torch.equal(weights_of(model)["head.linear.weight"], before["head.linear.weight"])


def test_optimizer_of_other_parameters_is_refused(make_tagger: MakeTagger) -> None:
    whole = make_tagger()
    set_gradients(shim_of(whole))
    shim_of(whole).finish_update(Adam(1e-4))
    state = shim_of(whole).optimizer_to_bytes()
    frozen = shim_of(make_tagger(freeze="encoder"))
    message = r"is of another model: it has encoder\.\S+, encoder\.\S+, encoder\.\S+, \.\.\., which"
    with pytest.raises(ValueError, match=message):
        frozen.optimizer_from_bytes(state)
    plain = shim_of(make_tagger(use_crf=False))
    message = r"it has head\.decoder\.end, head\.decoder\.start, head\.decoder\.transition, which"
    with pytest.raises(ValueError, match=message):
        plain.optimizer_from_bytes(state)


def test_bytes_that_hold_no_files_are_refused(make_tagger: MakeTagger) -> None:
    shim = shim_of(make_tagger())
    before = shim.to_bytes()
    packed = srsly.msgpack_dumps({"tagger.json": "{}"})
    with pytest.raises(ValueError, match=r"holds something other than files\. Copy or download"):
        shim.from_bytes(packed)
    assert shim.to_bytes() == before
