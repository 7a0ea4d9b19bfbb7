"""Exported taggers give what torch gives, and hold nothing that a stranger could misuse."""

import copy
import gc
import importlib.util
import os
import pickle
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model

from spacy_ner_plus.models.architectures.transformer_tagger import build_transformer_tagger_v1
from spacy_ner_plus.models.decoding.emissions import Emissions
from spacy_ner_plus.models.onnx import export as onnx_export
from spacy_ner_plus.models.onnx import graph as onnx_graph
from spacy_ner_plus.models.onnx import parity as onnx_parity
from spacy_ner_plus.models.onnx import session as onnx_session
from spacy_ner_plus.models.onnx.shim import OnnxTaggerShim
from spacy_ner_plus.support import extras
from tests import tiny

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper  # noqa: E402

pytestmark = pytest.mark.slow

MakeTagger = Callable[..., Model]
SETTINGS: dict[str, Any] = {"window": 32, "overlap": 8, "device": "cpu", "precision": "fp32"}
# Where one layer does not show all that there is, or the setting has another name.
SIZES: dict[str, dict[str, int]] = {"modernbert": {}, "distilbert": {"n_layers": 1}}
# More weights in its matrices than in its vocabulary, which int8 leaves as it is.
SIZES["bert"] = {"num_hidden_layers": 1, "intermediate_size": 4096}
LONG = "The patients were given 30 mg/kg of naloxone and (3H)-clonidine every day for 3 weeks. "
TEXTS = [
    "Bob Smith flew to Paris.",
    "",
    LONG * 3,
    " \n ",
    "IL-2",
    LONG + "https://a.com/" + "methylene/" * 20 + " and more " + LONG,  # a token of several windows
    "北京是中华人民共和国的首都。",
]


def exported(model: Model, **settings: Any) -> Model:
    """The model on ONNX Runtime; settings are those that it was made with."""
    other = build_transformer_tagger_v1(
        model.attrs["name"], **{**SETTINGS, **settings}, runtime="onnx"
    )
    graph = onnx_export.export_graph(model.shims[0])
    other.shims[0].take_over(model.shims[0], graph)
    return other


def read(nlp: Language, texts: list[str] = TEXTS) -> list[Doc]:
    return [nlp.make_doc(text) for text in texts]


def assert_same(found: Emissions, expected: Emissions, *, within: float = 1e-4) -> None:
    assert [rows.tolist() for rows in found.row_tokens] == [
        rows.tolist() for rows in expected.row_tokens
    ]
    torch.testing.assert_close(found.scores, expected.scores, rtol=0, atol=within)


Pair = tuple[Model, Model]
Case = tuple[str, str, bool, str | None]
BERT: Case = ("bert", "first", True, "casing")
# Family, pooling, use_crf, word_forms.
CASES: list[Case] = [
    BERT,
    ("roberta", "max", False, None),
    ("distilbert", "last", True, "casing"),
    ("deberta-v2", "first", True, None),
    ("xlm-roberta", "mean", False, "casing"),
    ("electra", "max", True, "casing"),
    ("mpnet", "last", False, None),
    ("modernbert", "mean", True, "casing"),
]


@pytest.fixture(scope="module")
def make_pair(
    make_tagger: MakeTagger, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Case], Pair]:
    """Makes a tagger and its exported version, not to be changed: once, as it takes seconds."""

    @cache
    def make(case: Case) -> Pair:
        family, pooling, use_crf, word_forms = case
        settings = {"pooling": pooling, "use_crf": use_crf, "word_forms": word_forms}
        folder = tmp_path_factory.mktemp("encoder")
        tiny.save_encoder(folder, family, **SIZES.get(family, {"num_hidden_layers": 1}))
        model = make_tagger(folder, **settings)
        before = model.predict(read(spacy.blank("en"))).scores
        pair = model, exported(model, **settings)
        # it is left as it was
        assert torch.equal(model.predict(read(spacy.blank("en"))).scores, before)
        return pair

    return make


@pytest.fixture(scope="module")
def pair(make_pair: Callable[[Case], Pair]) -> Pair:
    """A tagger and its exported version, not to be changed."""
    return make_pair(BERT)


@pytest.fixture
def graph(pair: Pair) -> Any:
    """An exported graph to change."""
    return onnx.load_from_string(pair[1].shims[0].module.session.graph)


# Parity


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_export_gives_the_emissions_of_torch(
    make_pair: Callable[[Case], Pair], nlp: Language, case: Case
) -> None:
    model, other = make_pair(case)
    assert model.shims[0].read_docs(read(nlp))[0].n_split >= 1
    expected = model.predict(read(nlp))
    assert expected.scores.abs().mean() > 0.1
    assert_same(other.predict(read(nlp)), expected)
    assert all(parameter.requires_grad for parameter in model.shims[0].module.parameters())
    for text in TEXTS:
        assert_same(other.predict(read(nlp, [text])), model.predict(read(nlp, [text])))
    ours, theirs = model.shims[0].decoder, other.shims[0].decoder
    assert type(ours) is type(theirs)
    for parameter, same in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(parameter, same) and not same.requires_grad


def test_parity_is_the_same_in_batches(
    make_tagger: MakeTagger, nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = make_tagger(), make_tagger(seed=1)
    together = onnx_parity.compare(one, two, read(nlp), component="ner_plus")
    monkeypatch.setattr(onnx_parity, "SIZE", 2)  # some have no tokens at all
    apart = onnx_parity.compare(one, two, read(nlp), component="ner_plus")
    for name, value in asdict(together).items():
        same = value if isinstance(value, str) else pytest.approx(value, rel=1e-3)
        assert getattr(apart, name) == same
    rows, others = (model.predict(read(nlp)) for model in (one, two))
    differences = (rows.scores - others.scores).abs()
    assert together.largest == pytest.approx(differences.max().item())
    assert together.mean == pytest.approx(differences.mean().item(), rel=1e-3)
    assert (together.n_docs, together.n_tokens) == (len(TEXTS), len(rows.scores))
    other_tags = rows.scores.argmax(dim=1) != others.scores.argmax(dim=1)
    assert together.n_other_tags == other_tags.sum() > 0
    found = [
        {
            (i, start, end, label): probability
            for i, doc in enumerate(model.shims[0].tagger.decode(its))
            for start, end, label, probability in zip(
                doc.starts, doc.ends, doc.labels, doc.probabilities, strict=True
            )
        }
        for model, its in ((one, rows), (two, others))
    ]
    assert together.n_entities == len(found[0])
    assert together.n_lost == len(found[0].keys() - found[1].keys()) > 0
    assert together.n_new == len(found[1].keys() - found[0].keys()) > 0
    both = found[0].keys() & found[1].keys()
    changes = [abs(found[0][place] - found[1][place]) for place in both]
    assert together.largest_probability == pytest.approx(max(changes, default=0.0))


def test_parity_sees_what_is_no_number(nlp: Language, pair: Pair) -> None:
    """Whatever else there is: it is more than any tolerance."""
    parity = onnx_parity.compare(*pair, read(nlp), component="ner_plus")
    assert parity.largest < 1e-4
    wrong = replace(parity, largest=np.nan)
    for batches in ([wrong, parity], [parity, wrong]):
        assert np.isnan(onnx_parity._join(batches).largest)


@pytest.mark.parametrize("texts", [[], [""], [" \n "]])
def test_export_gives_no_emissions_for_no_words(
    pair: Pair, nlp: Language, texts: list[str]
) -> None:
    found = pair[1].predict(read(nlp, texts))
    assert found.scores.shape == (0, 5) and found.scores.dtype == torch.float32
    assert len(found.row_tokens) == len(texts)


def test_export_names_an_architecture_that_it_can_not_export(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise torch.onnx.OnnxExporterError("no translation of aten::strange\nand more")

    monkeypatch.setattr(torch.onnx, "export", fail)
    with pytest.raises(ValueError, match=r"'bert' can't be exported.*aten::strange$"):
        onnx_export.export_graph(pair[0].shims[0])


def test_export_refuses_an_unknown_quantization(pair: Pair) -> None:
    with pytest.raises(ValueError, match="quantize = 'int3' is unknown"):
        onnx_export.export_graph(pair[0].shims[0], quantize="int3")


def test_export_names_a_graph_that_is_too_large(
    pair: Pair, graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_export, "MAX_BYTES", 1000)
    monkeypatch.setattr(onnx_export, "_trace", lambda module: graph)  # it takes seconds
    message = r"The graph has [\d,]{6,} bytes, and ONNX takes 1,000 .*: export a smaller encoder"
    with pytest.raises(ValueError, match=message):
        onnx_export.export_graph(pair[0].shims[0])


def test_what_is_not_needed_is_left_out_of_branches_too(graph: Any) -> None:
    tensor = TensorProto(name="x", data_type=1, dims=[1], float_data=[1.0])
    tensor.doc_string = "/home/somebody/tensor.py"
    inner = helper.make_graph([], "inner", [], [], [tensor], doc_string="/home/somebody/inner.py")
    node = helper.make_node("If", ["c"], ["y"], then_branch=inner)
    branch = helper.make_graph([node], "branch", [], [])
    graph.graph.node.append(helper.make_node("If", ["c"], ["y"], then_branch=branch))
    assert b"/home/somebody" in graph.SerializeToString()
    onnx_export._strip(graph)
    assert b"/home/somebody" not in graph.SerializeToString()
    assert onnx_graph.check_graph(graph.SerializeToString())


# int8


@pytest.fixture(scope="module")
def int8_pair(pair: Pair) -> Pair:
    """A tagger, and it in int8: its graph is what export_graph makes int8 of."""
    model, int8 = pair[0], pair[1].copy()
    graph = onnx_export._to_int8(onnx.load_from_string(int8.shims[0].module.session.graph))
    onnx_export._strip(graph)
    int8.shims[0].run(onnx_graph.check_graph(graph.SerializeToString()))
    return model, int8


def test_int8_is_smaller_and_near(int8_pair: Pair, nlp: Language) -> None:
    model, int8 = int8_pair
    n_weights = sum(p.numel() for p in model.shims[0].module.encoder.parameters())
    assert len(int8.shims[0].module.session.graph) < 0.6 * 4 * n_weights
    expected, found = (m.predict(read(nlp)).scores for m in int8_pair)
    difference = (found - expected).abs().mean()
    assert 0 < difference < 0.1 * expected.abs().mean()


def test_int8_leaves_the_linear_layer_in_float(int8_pair: Pair) -> None:
    model, int8 = int8_pair
    graph = onnx.load_from_string(int8.shims[0].module.session.graph)
    encoder = model.shims[0].module.encoder.model
    n_linear = sum(isinstance(module, torch.nn.Linear) for module in encoder.modules())
    kinds = [node.op_type for node in graph.graph.node]
    assert kinds.count("MatMulInteger") == n_linear
    weight = model.shims[0].module.head.linear.weight.detach().numpy()
    tensors = [onnx.numpy_helper.to_array(tensor) for tensor in graph.graph.initializer]
    assert any(
        tensor.shape == weight.T.shape and np.array_equal(tensor, weight.T) for tensor in tensors
    )


# Files, copies, processes


def test_export_survives_bytes_pickle_and_copy(pair: Pair, nlp: Language) -> None:
    shim = pair[1].shims[0]
    expected = pair[1].predict(read(nlp))
    empty = build_transformer_tagger_v1("unused", **SETTINGS, runtime="onnx")
    empty.shims[0].from_bytes(shim.to_bytes())
    for other in (empty, copy.deepcopy(pair[1]), pickle.loads(pickle.dumps(pair[1]))):
        assert isinstance(other.shims[0], OnnxTaggerShim)
        assert other.shims[0].scheme == shim.scheme
        assert_same(other.predict(read(nlp)), expected, within=0)
        assert other.shims[0].to_bytes() == shim.to_bytes()


def test_export_holds_no_torch_weights_of_the_encoder(pair: Pair) -> None:
    names = list(pair[1].shims[0].module.state_dict())
    assert names and all(name.startswith("head.decoder.") for name in names)


def test_session_has_torchs_threads(
    pair: Pair, nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = pair[1].shims[0].module.session
    for n_threads in (2, 1):
        monkeypatch.setattr(torch, "get_num_threads", lambda n=n_threads: n)
        pair[1].predict(read(nlp))
        [opened] = session._opened.values()
        assert opened.get_session_options().intra_op_num_threads == n_threads


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_forked_process_opens_its_own_session_and_ends(
    pair: Pair, nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, docs = pickle.loads(pickle.dumps(pair[1])), read(nlp)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "get_num_threads", lambda: 2)
        expected = model.predict(docs)  # the session's second thread will not be in the child
    process = os.fork()
    if process == 0:
        try:
            assert_same(model.predict(docs), expected)
            del model
            gc.collect()  # closes what is not used any more, as the end of a process does
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert wait_for(process) == 0
    assert_same(model.predict(docs), expected)


def wait_for(process: int, seconds: float = 60) -> int | None:
    """A child's exit code; None, after ending it, if it hangs."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return None


def test_onnx_runtime_that_is_not_installed_is_named(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = pair[1].shims[0].to_bytes()

    def find_spec(name: str) -> object:
        return None if name == "onnxruntime" else importlib.util.find_spec(name)

    monkeypatch.setattr(extras, "find_spec", find_spec)
    empty = build_transformer_tagger_v1("unused", **SETTINGS, runtime="onnx")
    with pytest.raises(ValueError, match=r'needs onnxruntime.*"spacy_ner_plus\[onnx\]"'):
        empty.shims[0].from_bytes(data)
    assert not empty.shims[0].is_built
    with pytest.raises(ValueError, match=r'needs onnxruntime.*"spacy_ner_plus\[export\]"'):
        onnx_export.export_graph(pair[0].shims[0])


@pytest.mark.parametrize(
    ("device", "available", "expected"),
    [
        ("cpu", ["CUDAExecutionProvider"], ["CPUExecutionProvider"]),
        ("auto", [], ["CPUExecutionProvider"]),
        (
            "auto",
            ["CUDAExecutionProvider"],
            [("CUDAExecutionProvider", {"device_id": 0}), "CPUExecutionProvider"],
        ),
        (
            "cuda:1",
            ["CUDAExecutionProvider"],
            [("CUDAExecutionProvider", {"device_id": 1}), "CPUExecutionProvider"],
        ),
    ],
)
def test_providers_follow_the_device(
    monkeypatch: pytest.MonkeyPatch, device: str, available: list[str], expected: list[Any]
) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: available)
    assert onnx_session.find_providers(device) == expected


@pytest.mark.parametrize(
    ("device", "message"), [("cuda", "install onnxruntime-gpu"), ("gpu", "is no torch device")]
)
def test_providers_refuse_what_is_not_there(
    monkeypatch: pytest.MonkeyPatch, device: str, message: str
) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(ValueError, match=message):
        onnx_session.find_providers(device)


# Safety


def external(tensor: Any, path: str) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", path


def in_initializer(graph: Any) -> None:
    external(graph.graph.initializer[0], "../secret")


def in_constant(graph: Any) -> None:
    node = helper.make_node("Constant", [], ["x"])
    node.attribute.append(helper.make_attribute("value", TensorProto(data_type=1, dims=[1])))
    external(node.attribute[0].t, "../secret")
    graph.graph.node.append(node)


def in_branch(graph: Any) -> None:
    tensor = TensorProto(name="x", data_type=1, dims=[1])
    external(tensor, "/etc/passwd")
    branch = helper.make_graph([], "branch", [], [], [tensor])
    graph.graph.node.append(helper.make_node("If", ["c"], ["y"], then_branch=branch))


def in_sparse(graph: Any) -> None:
    sparse = graph.graph.sparse_initializer.add()
    external(sparse.values, "../secret")


def in_function(graph: Any) -> None:
    graph.functions.add().name = "f"


def in_metadata(graph: Any) -> None:
    entry = graph.metadata_props.add()
    entry.key, entry.value = "ort_config", '{"optimized_model_filepath": "x"}'


def of_other_domain(graph: Any) -> None:
    graph.graph.node[0].domain = "com.stranger"


def without_end(graph: Any) -> None:
    inner = helper.make_graph([], "g", [], [])
    for _ in range(20):
        node = helper.make_node("If", ["c"], ["y"], then_branch=inner)
        inner = helper.make_graph([node], "g", [], [])
    graph.graph.node.append(helper.make_node("If", ["c"], ["y"], then_branch=inner))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (in_initializer, "has field 1[34] in a tensor"),
        (in_constant, "has field 1[34] in a tensor"),
        (in_branch, "has field 1[34] in a tensor"),
        (in_sparse, "has field 15 in a graph"),
        (in_function, "has field 25 in a model"),
        (in_metadata, "has field 14 in a model"),
        (of_other_domain, "needs operators that are not ONNX's own"),
        (without_end, "graphs within graphs without end"),
    ],
)
def test_graph_that_could_do_more_is_refused(
    graph: Any, change: Callable[[Any], None], message: str
) -> None:
    assert onnx_graph.check_graph(graph.SerializeToString())
    change(graph)
    with pytest.raises(ValueError, match=rf"model\.onnx .*{message}"):
        onnx_graph.check_graph(graph.SerializeToString())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no graph"),
        (b"no graph at all", "is no ONNX graph|has field"),
        (b"\x08\x08", "holds no graph"),
        (b"\x3a\xff\xff\xff\xff\x0f", "ends too early"),
        (b"\x38\x01", "is no ONNX graph"),
        (b"\x08\x80", "ends too early"),  # within a number
        (b"\x08" + b"\xff" * 12, "is no ONNX graph"),  # a number without end
    ],
)
def test_what_is_no_graph_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=rf"damaged: model\.onnx ({message})"):
        onnx_graph.check_graph(content)


@given(data=st.data())
def test_cut_or_changed_graph_is_refused_or_reads_no_other_file(
    pair: Pair, data: st.DataObject
) -> None:
    content = bytearray(pair[1].shims[0].module.session.graph)
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] = data.draw(st.integers(0, 255))
    try:
        onnx_graph.check_graph(bytes(content))
    except ValueError:
        return
    try:
        changed = onnx.load_from_string(bytes(content))
    except Exception:
        return  # what protobuf can't read, ONNX Runtime can't either
    tensors = onnx.external_data_helper._get_all_tensors(changed)
    assert not any(onnx.external_data_helper.uses_external_data(tensor) for tensor in tensors)


def test_graph_of_other_tags_is_refused(pair: Pair, nlp: Language) -> None:
    session = pair[1].shims[0].module.session
    n_outputs = session.n_outputs + 2
    other = onnx_session.GraphSession(session.graph, n_outputs=n_outputs, device="cpu")
    with pytest.raises(ValueError, match="where one of 7 numbers is needed"):
        other({})


def test_graph_that_does_not_run_is_refused(graph: Any) -> None:
    graph.graph.node[0].op_type = "NoSuchOperator"
    content = onnx_graph.check_graph(graph.SerializeToString())
    session = onnx_session.GraphSession(content, n_outputs=5, device="cpu")
    with pytest.raises(ValueError, match=r"model\.onnx can't be run by ONNX Runtime.*NoSuchOpe"):
        session({})


def other_rows(graph: Any) -> None:
    """Gives the first row only, and says otherwise."""
    output = graph.graph.output[0].name
    rename(graph, output, "all_rows")
    for name, value in (("from", 0), ("to", 1)):
        graph.graph.initializer.append(helper.make_tensor(name, TensorProto.INT64, [1], [value]))
    graph.graph.node.append(helper.make_node("Slice", ["all_rows", "from", "to"], [output]))


def other_dtype(graph: Any) -> None:
    output = graph.graph.output[0]
    rename(graph, output.name, "floats")
    graph.graph.node.append(
        helper.make_node("Cast", ["floats"], [output.name], to=TensorProto.DOUBLE)
    )
    output.type.tensor_type.elem_type = TensorProto.DOUBLE


def other_input(graph: Any) -> None:
    next(i for i in graph.graph.input if i.name == "ids").type.tensor_type.elem_type = 6  # int32


def rename(graph: Any, output: str, name: str) -> None:
    for node in graph.graph.node:
        node.output[:] = [name if one == output else one for one in node.output]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_rows, r"gives float32 of the shape \(1, 5\), where float32 of \(\d+, 5\) is needed"),
        (other_dtype, "gives float64"),
        (other_input, r"can't be run by ONNX Runtime"),
    ],
)
def test_graph_that_gives_something_else_is_named(
    change: Any, message: str, graph: Any, pair: Pair, nlp: Language
) -> None:
    change(graph)
    content = onnx_graph.check_graph(graph.SerializeToString())
    model = pair[1].copy()
    model.shims[0].run(content)
    with pytest.raises(ValueError, match=rf"model\.onnx {message}"):
        model.predict(read(nlp))
