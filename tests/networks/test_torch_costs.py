"""What an explanation in PyTorch costs beside its passes, in counts."""

from functools import partial
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.networks.torch import module_tree, way_back  # noqa: E402
from xai_heatmap.networks.torch.way_back import zero  # noqa: E402
from xai_heatmap.testing.kits.torch_kit import Plain  # noqa: E402

X = np.random.default_rng(0).random((2, 3, 8, 8), dtype=np.float32)


def test_the_tree_of_modules_is_walked_again_only_where_it_has_changed(monkeypatch):
    model = Plain().eval()
    network = xh.network(model, image_shape=(3, 8, 8))
    xh.maps(network, X)
    walked, own = list[Any](), module_tree.modules_of
    monkeypatch.setattr(module_tree, "modules_of", lambda root: (walked.append(root), own(root))[1])
    xh.maps(network, X)
    assert walked == []
    model.add_module("aside", nn.Identity())
    xh.maps(network, X)
    assert walked == [model]


def test_modules_are_those_of_the_tree_whatever_was_done_to_it():
    """The oracle is PyTorch's own walk."""
    root: Any = nn.Sequential(nn.Sequential(nn.ReLU(), nn.Tanh()), nn.Sequential(), nn.Identity())
    shared: Any = nn.Sequential(nn.GELU())
    modules = module_tree.Modules(root)

    def moved() -> None:
        root[1].add_module("from", root[0][1])
        del root[0][1]

    for change in (
        lambda: None,
        lambda: root[0].register_module("0", nn.Softmax(1)),
        lambda: root[0].add_module("none", None),
        moved,
        lambda: (root.append(shared), root[1].append(shared)),
        lambda: shared.add_module("0", nn.Sequential(nn.ELU())),
        lambda: root[1].__delitem__(0),
        lambda: root.__delitem__(0),
    ):
        change()
        assert {*map(id, modules())} == {*map(id, root.modules())}
        assert len(modules()) == len(list(root.modules()))
        assert modules() == module_tree.modules_of(root)
        with modules.once():
            root.add_module("late", nn.Identity())
            assert root.late not in modules()
        assert root.late in modules()
        del root.late


def test_a_module_that_is_added_between_two_calls_is_seen():
    model = Plain().eval()
    network = xh.network(model, image_shape=(3, 8, 8))
    xh.maps(network, X)
    model.add_module("relu", torch.nn.Sequential(torch.nn.ReLU()))
    assert "relu.0" in network.layers


@pytest.mark.parametrize("method", ["gradcam", "libragrad", "liftcam", "fullgrad"])
@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_one_number_is_differentiated_in_any_mode(monkeypatch, method, mode):
    """A cotangent that is handed in has PyTorch import sympy: as long as many passes."""
    torch.manual_seed(0)
    network = xh.network(Plain().eval(), image_shape=(3, 8, 8))
    own, seeds = torch.autograd.grad, list[Any]()

    def grad(*given: Any, **options: Any) -> Any:
        seeds.extend([*given[2:], *filter(None, [options.get("grad_outputs")])])
        return own(*given, **options)

    monkeypatch.setattr(torch.autograd, "grad", grad)
    with mode():
        found = xh.maps(network, X, method=method)
    assert isinstance(found, np.ndarray)
    assert seeds == []
    assert np.isfinite(found).all()
    assert np.ptp(found) > 0


@pytest.mark.parametrize("shape", [(), (3,), (2, 5), (1, 4, 7), (2, 3, 4, 5), (1, 2, 3, 3, 3)])
def test_a_gradient_is_zero_only_where_every_number_is(shape):
    gradient = torch.zeros(shape)
    assert zero(gradient)
    for place in range(gradient.numel()):
        own = torch.zeros(gradient.numel())
        own[place] = -1e-30
        assert not zero(own.reshape(shape))
    assert zero(torch.zeros(2, 0)) == zero(torch.zeros(1, 2, 0, 3)) is True


@pytest.mark.parametrize("laid", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(
    ("told", "read"), [("anywhere", []), ("in the row", [20]), ("at a place", [20, 180])]
)
def test_no_more_of_a_gradient_is_read_than_tells_it_from_zero(monkeypatch, told, read, laid):
    own, found = torch.Tensor.any, list[int]()

    def any_of(tensor: Any) -> Any:
        found.append(tensor.numel())
        return own(tensor)

    gradient = torch.zeros(1, 4, 9, 5)
    {
        "anywhere": gradient,
        "in the row": gradient[:, 0, 4, 2:4],
        "at a place": gradient[0, 0, 8, 1],
    }[told].fill_(1)
    monkeypatch.setattr(torch.Tensor, "any", any_of)
    assert not zero(gradient.contiguous(memory_format=laid))
    assert found == read


class Split(nn.Module):
    """Parts of one output as layers, of which some reach no score."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.left, self.right = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Identity()
        self.unused, self.out = nn.Identity(), nn.Linear(3, 4)

    def forward(self, x: Any) -> Any:
        left, right, unused = self.conv(x).split([3, 3, 2], 1)
        self.unused(unused)
        return self.out((self.left(left) * self.right(right)).mean((2, 3)))


def _kept(came: dict[str, Any], layers: Any, gradients: np.ndarray) -> None:
    came.update(dict.fromkeys(layers, gradients.copy()))


@pytest.mark.parametrize("make", [Plain, Split])
@pytest.mark.parametrize("seed", [1.0, 0.0])
def test_gradients_that_are_not_held_are_those_that_are_held(monkeypatch, make, seed):
    torch.manual_seed(0)
    network = xh.network(make().eval(), image_shape=(3, 8, 8))
    names = [name for name, own in network.layers.items() if own.layout]
    cotangent = np.zeros((2, 4), np.float32)
    cotangent[:, 1] = seed
    found = []
    for most in (way_back.HELD_AT_ONCE, 0):
        monkeypatch.setattr(way_back, "HELD_AT_ONCE", most)
        recording, came = network.record(X, names), dict[str, Any]()
        recording.each_gradient(cotangent, partial(_kept, came))
        found.append(came)
    assert {*found[0]} == {*found[1]} == {*names}
    for name in names:
        np.testing.assert_array_equal(found[0][name], found[1][name])
    assert any(own.any() for own in found[1].values()) == bool(seed)


@pytest.mark.parametrize("layers", ["auto", "all"])
def test_several_targets_share_one_way_there(layers):
    """Each has a way back of its own, from the scores to the first layer that was asked for."""
    model, runs = Plain().eval(), list[Any]()
    network = xh.network(model, image_shape=(3, 8, 8))
    xh.maps(network, X)
    model.register_forward_hook(lambda *_: runs.append(None))
    picture = np.moveaxis(X[0], 0, -1)
    targets = [xh.category(at) for at in range(4)]
    found = xh.compare(network, picture, layers=layers, targets=targets, preprocess="unit")
    assert len(runs) == 1
    apart = [
        xh.compare(network, picture, layers=layers, targets=[one], preprocess="unit")
        for one in targets
    ]
    maps = [one.map for own in apart for one in own]
    assert len(found) == len(maps)
    for one, other in zip(found, maps, strict=True):
        assert np.abs(one.map - other).max() <= 1e-5 * max(np.abs(other).max(), 1e-3)


def test_the_explained_number_is_asked_for_once_a_pass_and_not_once_a_layer():
    asked = list[Any]()
    network = xh.network(Plain().eval(), image_shape=(3, 8, 8))

    def counted(scores: Any) -> Any:
        asked.append(None)
        return scores[:, 1]

    def passes_of(layer: str) -> int:
        asked.clear()
        xh.maps(network, X, layer=layer, target=xh.function(counted))
        return len(asked)

    assert passes_of("all") == passes_of("auto") > 0


class Writing(nn.Module):
    """A network that may write into what its first layer answered."""

    writes = ""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        x = self.conv(x)
        if self.writes == "unseen by autograd":
            with torch.no_grad():
                x.add_(1)
        x = x.sigmoid_() if self.writes == "plainly" else x.sigmoid()
        return self.fc(x.mean((2, 3)))


def conv_map(network: Any, x: np.ndarray) -> Any:
    return xh.maps(network, x, layer="conv", target=1)


def test_a_layer_that_nobody_writes_into_is_lent(monkeypatch):
    network = xh.network(Writing().eval(), image_shape=(3, 8, 8))
    first = conv_map(network, X)
    own, cloned = torch.Tensor.clone, list[Any]()
    monkeypatch.setattr(
        torch.Tensor, "clone", lambda t, *a, **k: (cloned.append(t.shape), own(t, *a, **k))[1]
    )
    np.testing.assert_array_equal(conv_map(network, X), first)
    assert cloned == [X.shape]  # the pictures, which are the user's own


@pytest.mark.parametrize("writes", ["plainly", "unseen by autograd"])
def test_one_that_writes_into_what_it_was_lent_gets_a_copy(writes):
    (lent, own), pictures = (Writing().eval(), Writing().eval()), X.copy()
    network = xh.network(lent, image_shape=(3, 8, 8))
    before = conv_map(network, pictures)
    lent.writes = own.writes = writes
    right = conv_map(own, X)  # whose layers are copied in its first pass
    assert np.array_equal(right, before) == (writes == "plainly")
    for _ in range(2):
        np.testing.assert_array_equal(conv_map(network, pictures), right)
    np.testing.assert_array_equal(pictures, X)
