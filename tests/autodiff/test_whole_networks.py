"""Whole networks: gradients at several depths against those of their PyTorch twins."""

import importlib.util
import io
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from exported_networks import ConvNextBlock, MixedBag, ShiftedWindows, Transformer

from xai_heatmap.networks.onnx import autodiff


def gradients(
    model: onnx.ModelProto, at: list[str], x: np.ndarray, cotangent: np.ndarray, **options: str
) -> dict:
    """What the differentiated graph answers, by the name of the tensor."""
    prepared = autodiff.prepared(model)
    graph, names = autodiff.backward(prepared, prepared.graph.output[0].name, at, **options)
    onnx.checker.check_model(graph, full_check=True)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    feeds = {prepared.graph.input[0].name: x, "cotangent": cotangent}
    fetched = sorted(set(names.values()))
    found = dict(zip(fetched, session.run(fetched, feeds), strict=True))
    return {tensor: found[name] for tensor, name in names.items()}


def relative(found: np.ndarray, expected: torch.Tensor) -> float:
    right = expected.detach().numpy()
    assert found.shape == right.shape
    return float(np.abs(found - right).max() / np.abs(right).max())


# ---- trained networks


def twins(folder: Path) -> ModuleType:
    """The loaders that lie beside the reference networks."""
    spec = importlib.util.spec_from_file_location(
        "reference_models", folder / "reference_models.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def photograph(folder: Path, loaders: ModuleType, kind: str) -> np.ndarray:
    from PIL import Image

    path = min((folder / "images").glob("n*.JPEG"))
    return loaders.preprocess(Image.open(path), kind).transpose(2, 0, 1)[None].astype(np.float32)


def recorded(modules: list[torch.nn.Module], network: torch.nn.Module, x: np.ndarray) -> tuple:
    """The scores in float64 and the outputs of some modules, as they leave them."""
    outputs: list[torch.Tensor] = []
    handles = [
        m.register_forward_hook(lambda _m, _i, y: outputs.append(y.clone()) or outputs[-1])
        for m in modules
    ]
    scores = network.double()(torch.from_numpy(x).double().requires_grad_())
    for handle in handles:
        handle.remove()
    return scores, outputs


def seed(scores: torch.Tensor, category: int) -> np.ndarray:
    return np.eye(scores.shape[1], dtype=np.float32)[[category]]


@pytest.mark.reference
@pytest.mark.parametrize("maxpool", ["portable", "scatter"])
def test_squeezenet_equals_torch_at_every_depth(reference: Path, maxpool: str) -> None:
    loaders = twins(reference)
    x = photograph(reference, loaders, "imagenet")
    network = loaders.squeezenet_torch(
        reference / "models" / "squeezenet1_1_torchvision.safetensors"
    )
    for part in network.modules():
        if isinstance(part, torch.nn.ReLU):
            part.inplace = False
    modules = [network.features[i] for i in (1, 2, 3, 5, 7, 8, 12)]
    scores, outputs = recorded(modules, network, x)
    cotangent = seed(scores, int(scores.argmax()))
    expected = torch.autograd.grad(scores, outputs, torch.from_numpy(cotangent).double())
    model = onnx.load(reference / "models" / "squeezenet1_1.onnx")
    nodes = {node.name: node.output[0] for node in model.graph.node}
    at = [nodes[f"/features/features.{i}/{kind}"] for i, kind in (
        (1, "Relu"), (2, "MaxPool"), (3, "Concat"), (5, "MaxPool"), (7, "Concat"), (8, "MaxPool"),
        (12, "Concat"),
    )]  # fmt: skip
    found = gradients(model, at, x, cotangent, maxpool=maxpool)
    for name, right in zip(at, expected, strict=True):
        assert relative(found[name], right) < 1e-4, name


@pytest.mark.reference
def test_mobilenet_equals_torch_at_every_depth(reference: Path) -> None:
    loaders = twins(reference)
    x = photograph(reference, loaders, "tf")
    network = loaders.mobilenet_v1_torch(
        reference / "models" / "mobilenet_v1_025_224_torch.safetensors"
    )
    depths = ("conv_pw_6", "conv_pw_11", "conv_pw_12", "conv_pw_13")
    scores, outputs = recorded([getattr(network, f"{name}_relu") for name in depths], network, x)
    cotangent = seed(scores, int(scores.argmax()))
    expected = torch.autograd.grad(scores, outputs, torch.from_numpy(cotangent).double())
    model = onnx.load(reference / "models" / "mobilenet_v1_025_224.onnx")
    nodes = {node.name: node.output[0] for node in model.graph.node}
    at = [nodes[f"/{name}_relu/Clip"] for name in depths]
    found = gradients(model, at, x, cotangent)
    for name, right in zip(at, expected, strict=True):
        assert relative(found[name], right) < 1e-3, name


# ---- exported networks with random weights


def exported(network: torch.nn.Module, *, opset: int) -> onnx.ModelProto:
    """By torch's older exporter up to opset 17, by the newer one above."""
    x, file = torch.randn(2, 3, 32, 32), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if opset > 17:
            program = torch.onnx.export(
                network, (x,), dynamo=True, verbose=False, opset_version=opset,
                dynamic_shapes=({0: torch.export.Dim("n")},),
            )  # fmt: skip
            return program.model_proto
        torch.onnx.export(
            network, (x,), file, dynamo=False, opset_version=opset, input_names=["x"],
            dynamic_axes={"x": {0: "n"}},
        )  # fmt: skip
    return onnx.load_from_string(file.getvalue())


NETWORKS = [ConvNextBlock, Transformer, ShiftedWindows, MixedBag]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "opset"),
    [*((kind, opset) for kind in NETWORKS for opset in (17, 20)), (Transformer, 23)],
)
def test_exported_network_equals_autograd_for_any_batch(
    kind: type[torch.nn.Module], opset: int
) -> None:
    if opset > 17:
        pytest.importorskip("onnxscript", reason="torch's newer exporter needs onnxscript")
    torch.manual_seed(0)
    network = kind().eval()
    model = exported(network, opset=opset)
    network = network.double()
    for n in (1, 5):
        x = torch.randn(n, 3, 32, 32, requires_grad=True)
        cotangent = torch.randn(n, 5)
        (expected,) = torch.autograd.grad(network(x.double()), x, cotangent.double())
        name = model.graph.input[0].name
        found = gradients(model, [name], x.detach().numpy(), cotangent.numpy())
        assert relative(found[name], expected) < 1e-5
