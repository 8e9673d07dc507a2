"""Inputs of exported programs: their axes are those of the model, their size the declared one."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402

MANY = {0: torch.export.Dim("n", min=1, max=64)}


class Reading(nn.Module):
    """A model that turns its input until its first layer can read it."""

    def __init__(self, turn, first, places):
        super().__init__()
        self.turn, self.first, self.places = turn, first, places
        self.last = nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.first(self.turn(x)).relu().mean(self.places))


READS = {
    "tchw": (lambda x: x.permute(0, 2, 1, 3, 4), lambda: nn.Conv3d(3, 4, 2), (2, 3, 4)),
    "dhwc": (lambda x: x.movedim(-1, 1), lambda: nn.Conv3d(3, 4, 2), (2, 3, 4)),
    "tc": (lambda x: x, lambda: nn.Linear(3, 4), 1),
    "ct": (lambda x: x, lambda: nn.Conv1d(3, 4, 3), 2),
    "dhw": (lambda x: x[:, None], lambda: nn.Conv3d(1, 4, 2), (2, 3, 4)),
}
SHAPES = {
    "tchw": (6, 3, 8, 8),
    "dhwc": (6, 8, 8, 3),
    "tc": (24, 3),
    "ct": (3, 24),
    "dhw": (6, 8, 8),
}


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")
@pytest.mark.parametrize(
    ("word", "core"), [*((word, False) for word in READS), ("tc", True), ("tchw", True)]
)
def test_axes_of_a_program_are_those_of_its_model(word, core):
    torch.manual_seed(0)
    turn, first, places = READS[word]
    model, shape = Reading(turn, first(), places).eval(), SHAPES[word]
    x = torch.rand(2, *shape)
    program = torch.export.export(model, (x,), dynamic_shapes=(MANY,))
    program = program.run_decompositions() if core else program
    own, found = (xh.network(one, image_shape=shape) for one in (model, program))
    assert found.axes_of(shape).word == own.axes_of(shape).word == word
    one = x[0].numpy()
    right, drawn = (xh.explain(n, one, target=1, method="saliency").map for n in (own, found))
    np.testing.assert_allclose(drawn, right, rtol=1e-4, atol=1e-6)
    assert xh.explain(found, one, target=1).heat().shape == right.shape


def photographs(turn=lambda x: x):
    torch.manual_seed(0)
    return Reading(turn, nn.Conv2d(3, 4, 3, padding=1), (2, 3)).eval()


@pytest.mark.parametrize("kind", ["program", "module", "channels last"])
def test_a_picture_is_resized_to_what_a_program_was_exported_for(kind):
    last = kind == "channels last"
    model = photographs((lambda x: x.movedim(-1, 1)) if last else (lambda x: x))
    x = torch.zeros((2, 20, 28, 3) if last else (2, 3, 20, 28))
    program = torch.export.export(model, (x,), dynamic_shapes=(MANY,))
    network = xh.network(program.module() if kind == "module" else program)
    assert network.declared.input_shape == (3, 20, 28)
    picture = np.random.default_rng(0).integers(0, 256, (50, 60, 3)).astype(np.uint8)
    made = xh.explain(network, picture, preprocess="unit", target=1)
    assert (made.preprocess["input_size"], made.map.shape) == ([20, 28], (20, 28))


def test_a_program_of_any_size_declares_none():
    side = {axis: torch.export.Dim(f"side{axis}", min=8, max=64) for axis in (2, 3)}
    program = torch.export.export(
        photographs(), (torch.zeros(2, 3, 20, 28),), dynamic_shapes=(MANY | side,)
    )
    assert xh.network(program).declared.input_shape is None
