"""Compiled, recomputing, offloaded and scripted PyTorch models, and those of many inputs."""

import functools

import numpy as np
import pytest

from xai_heatmap.testing import conformance

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402
from torch.utils import checkpoint as recomputing  # noqa: E402
from torch.utils.checkpoint import checkpoint, checkpoint_sequential  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import NotAModel  # noqa: E402

METHODS = ("hirescam", "ablationcam", "saliency", "libragrad", "fullgrad")


class Blocks(nn.Module):
    """A stem, two blocks that `run` runs, and a head."""

    def __init__(self, run=lambda block, z: block(z)):
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 5, 3, padding=1)
        self.block = nn.Sequential(nn.Conv2d(5, 5, 3, padding=1), nn.ReLU(), nn.Dropout(0.5))
        self.fc = nn.Linear(5, conformance.CLASSES)
        self.run = [run]

    def forward(self, x):
        z = self.stem(x)
        for _ in range(2):
            z = self.run[0](self.block, z)
        return self.fc(z.mean((2, 3)))


def maps(model, layer="block.0#2", method="hirescam"):
    layer = "auto" if method in ("saliency", "fullgrad") else layer
    return xh.maps(
        conformance.network(model), conformance.images(2), layer=layer, method=method, target=1
    )


RECOMPUTING = {
    "not reentrant": lambda block, z: checkpoint(block, z, use_reentrant=False),
    "reentrant": lambda block, z: checkpoint(block, z, use_reentrant=True),
    "inside of another": lambda block, z: checkpoint(
        lambda a: checkpoint(block, a, use_reentrant=False), z, use_reentrant=True
    ),
    "bound beforehand": functools.partial(checkpoint, use_reentrant=False),
    "in segments": lambda block, z: checkpoint_sequential(block, 2, z, use_reentrant=False),
    "no random state": lambda block, z: checkpoint(
        block, z, use_reentrant=False, preserve_rng_state=False
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", RECOMPUTING)
@pytest.mark.parametrize("method", METHODS)
def test_a_block_that_recomputes_has_the_map_of_one_that_does_not(how, method):
    layers = ("block.0#2",) if method != "hirescam" else ("stem", "block.0#1", "block.1#2", "auto")
    for layer in layers:
        found = maps(Blocks(RECOMPUTING[how]).eval(), layer, method)
        np.testing.assert_allclose(found, maps(Blocks().eval(), layer, method), atol=1e-6)


def test_recomputing_works_as_ever_afterwards():
    own = recomputing.CheckpointFunction, vars(recomputing)["_checkpoint_hook"]
    model = Blocks(RECOMPUTING["reentrant"]).eval()
    maps(model)
    assert (recomputing.CheckpointFunction, vars(recomputing)["_checkpoint_hook"]) == own
    runs = []
    model.block.register_forward_hook(lambda *_: runs.append(1))
    model(torch.from_numpy(conformance.images(1))).sum().backward()
    assert len(runs) == 4, "each of two blocks runs forwards and once more backwards"


class Counting:
    """A compiler that counts the graphs it is given."""

    def __init__(self):
        self.graphs = 0

    def __call__(self, graph, _):
        self.graphs += 1
        return graph.forward


def compiled_in_place(model, backend):
    model.compile(backend=backend)


def part_compiled(model, backend):
    model.run[0] = torch.compile(lambda block, z: block(z), backend=backend)


def part_wrapped(model, backend):
    model.fc = torch.compile(model.fc, backend=backend)


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [compiled_in_place, part_compiled, part_wrapped])
def test_a_compiled_model_is_not_compiled_again(compiled):
    model, backend = Blocks().eval(), Counting()
    right = {method: maps(model, method=method) for method in METHODS}
    compiled(model, backend)
    x = torch.from_numpy(conformance.images(2))
    with torch.no_grad():
        model(x)
        model(x)
    before = backend.graphs
    assert before > 0
    for method in METHODS:
        np.testing.assert_allclose(maps(model, method=method), right[method], atol=1e-6)
    assert backend.graphs == before, "compiled while it was explained"
    with torch.no_grad():
        model(x)
    assert backend.graphs == before, "compiled by its owner's next call"


class Fetched(Blocks):
    """Weights lie on the meta device, and hooks bring them in while a part runs."""

    def __init__(self, *, but=()):
        super().__init__()
        for path, part in self.named_modules():
            if part._parameters and path not in but:
                self.fetch(part, {n: w.detach().clone() for n, w in part._parameters.items()})

    def fetch(self, part, store):
        def put(values):
            for name, value in values.items():
                part._parameters[name] = nn.Parameter(value, requires_grad=False)

        away = {name: value.to("meta") for name, value in store.items()}
        put(away)
        part.register_forward_pre_hook(lambda *_: put(store))
        part.register_forward_hook(lambda *_: put(away))


@pytest.mark.parametrize("but", [(), ("fc",), ("stem",)])
@pytest.mark.parametrize("method", ["hirescam", "ablationcam", "saliency", "eigencam", "rise"])
def test_a_model_whose_weights_are_fetched_has_the_map_of_one_that_holds_them(but, method):
    options = {"options": {"samples": 8}} if method == "rise" else {}
    ask = {"method": method, "layer": "auto", "target": 1, **options}
    x = conformance.images(2)
    found = xh.maps(conformance.network(Fetched(but=but).eval()), x, **ask)
    np.testing.assert_allclose(
        found, xh.maps(conformance.network(Blocks().eval()), x, **ask), atol=1e-6
    )


def test_a_model_without_weights_is_refused_with_the_line_that_loads_them():
    with pytest.raises(NotAModel, match=r"load_state_dict\(weights, assign=True\)"):
        xh.network(Blocks().to("meta"))


@pytest.mark.parametrize(
    "scripted", [torch.jit.script, lambda m: torch.jit.trace(m, torch.rand(1, 3, 8, 8))]
)
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_torchscript_is_refused_in_words(scripted):
    plain = nn.Sequential(nn.Conv2d(3, 4, 4), nn.Flatten())
    with pytest.raises(NotAModel, match="TorchScript"):
        xh.network(scripted(plain.eval()))


@pytest.mark.parametrize("inputs", [2, 10, 11, 14, 101])
def test_any_number_of_inputs_by_place(inputs):
    class Many(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = Blocks()

        def forward(self, x, *rest):
            assert [float(value[0]) for value in rest] == list(range(1, inputs))
            return self.body(x)

    held = {place: np.full((1, 1), place, np.float32) for place in range(inputs - 1, 0, -1)}
    model, x = Many().eval(), conformance.images(1)
    found = xh.maps(conformance.network(model, held=held), x, layer="body.stem", target=1)
    wanted = xh.maps(conformance.network(model.body), x, layer="stem", target=1)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("layer", ["block.0#1", "block.0#2", "block.1#2", "block#2"])
def test_a_layer_inside_of_a_part_that_runs_twice_is_replaced_in_its_own_call(layer):
    model, x = Blocks().eval(), conformance.images(2)
    recording = conformance.network(model).record(x, [layer])
    own = np.random.default_rng(4).random(recording.activations[layer][:1].shape).astype("f4")
    with torch.no_grad():
        name, call = layer.split("#")
        before = {"block.0": 1, "block.1": 2, "block": 3}[name]
        behind = model.block[before:](torch.from_numpy(own))
        behind = model.block(behind) if call == "1" else behind
        wanted = model.fc(behind.mean((2, 3))).numpy()
    np.testing.assert_allclose(recording.replay(layer, own, row=0).scores, wanted, atol=1e-6)
