"""Looks at a network in training: what they leave alone, what they say, where they go."""

import json
import types
import warnings

import numpy as np
import PIL.Image
import pytest
import torch
from torch import nn

import xai_heatmap as xh
from xai_heatmap.core.errors import BadOption, UnknownMethod
from xai_heatmap.training import Heatmaps
from xai_heatmap.training.loggers import logged_to
from xai_heatmap.training.look import moved

SIZE = {"image_shape": (3, 16, 16)}


def pictures(count=2):
    return [
        np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        for seed in range(count)
    ]


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3),
    )  # fmt: skip


def trained(heatmaps=None, epochs=3, looked=None):
    """Weights after some epochs; with a look after each."""
    model = network()
    step = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    x, y = torch.rand(12, 3, 16, 16), torch.arange(12) % 3
    for epoch in range(1, epochs + 1):
        model.train()
        for rows in torch.randperm(12).split(4):
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()  # gradients add up
            step.step()
        if heatmaps is not None:
            heatmaps.after(epoch, model)
            if looked is not None:
                looked.append((model.training, [p.grad.clone() for p in model.parameters()]))
    if heatmaps is not None:
        heatmaps.finish(epochs, model)
    return model.state_dict()


@pytest.mark.slow
def test_weights_after_training_are_bit_equal(capsys):
    looked = []
    heatmaps = Heatmaps(pictures(), preprocess="unit", opening=SIZE)
    with_looks, without = trained(heatmaps, looked=looked), trained()
    assert [look.epoch for look in heatmaps.looks] == [1, 2, 3]
    assert all(torch.equal(own, without[name]) for name, own in with_looks.items())
    assert all(mode for mode, _ in looked)
    assert "2 pictures, 3 looks" in capsys.readouterr().err


def test_a_look_shows_the_network_of_that_moment():
    heatmaps = Heatmaps(pictures(), targets=1, preprocess="unit", opening=SIZE)
    for seed in (3, 4):
        heatmaps.after(seed, network(seed).eval())
        opened = xh.network(network(seed).eval(), image_shape=(3, 16, 16))
        plain = [xh.explain(opened, one, target=1, preprocess="unit") for one in pictures()]
        for own, one in zip(heatmaps.looks[-1].explanations, plain, strict=True):
            assert np.allclose(own.map, one.map, atol=1e-7)
            assert own.score == pytest.approx(one.score, abs=1e-6)


def test_one_forward_and_one_backward_pass_a_look():
    passes, model = [], network().eval()
    heatmaps = Heatmaps(pictures(3), preprocess="unit", opening=SIZE)
    heatmaps.after(1, model)
    model[0].register_forward_hook(lambda *own: passes.append(len(own[1][0])))
    heatmaps.after(2, model)
    assert passes == [3]


def test_each_picture_has_its_own_target():
    heatmaps = Heatmaps(pictures(), targets=np.array([2, 0]), preprocess="unit", opening=SIZE)
    found = heatmaps.after(1, network())
    assert [one.index for one in found.explanations] == [2, 0]


@pytest.mark.parametrize(
    ("every", "epochs", "seen"),
    [(1, 3, [1, 2, 3]), (2, 5, [1, 2, 4, 5]), (10, 4, [1, 4]), (2, 4, [1, 2, 4])],
)
def test_looks_are_due(every, epochs, seen):
    heatmaps = Heatmaps(pictures(1), every=every, preprocess="unit", opening=SIZE)
    trained(heatmaps, epochs=epochs)
    assert [look.epoch for look in heatmaps.looks] == seen


def test_a_map_that_moved_is_told_by_correlation():
    def map_of(values):
        return np.array(values, np.float32)

    rng = np.random.default_rng(0)
    one, two = rng.random((2, 5, 5))
    slow = 1 - np.corrcoef(one.ravel(), two.ravel())[0, 1]
    assert moved(map_of(one), map_of(two)) == pytest.approx(slow, abs=1e-6)
    assert moved(map_of(one), map_of(3 * one + 1)) == pytest.approx(0, abs=1e-6)
    assert moved(map_of(one), map_of(-one)) == pytest.approx(2, abs=1e-6)
    assert np.isnan(moved(map_of(one), map_of(np.ones((5, 5)))))
    assert np.isnan(moved(map_of(one), map_of(np.ones((4, 4)))))
    assert np.isnan(moved(None, map_of(one)))


def test_a_folder_holds_every_look(tmp_path):
    heatmaps = Heatmaps(pictures(), tmp_path / "looks", every=2, preprocess="unit", opening=SIZE)
    trained(heatmaps)
    names = sorted(path.name for path in (tmp_path / "looks").iterdir())
    each = [f"epoch-000{epoch}.{kind}" for epoch in (1, 2, 3) for kind in ("npz", "png")]
    assert names == [*each, "film.png", "looks.json"]
    told = json.loads((tmp_path / "looks" / "looks.json").read_text())
    assert [one["epoch"] for one in told] == [1, 2, 3]
    assert {"heatmaps/1/moved", "heatmaps/2/score"} <= set(told[-1]["numbers"])
    with np.load(tmp_path / "looks" / "epoch-0002.npz") as kept:
        assert np.array_equal(kept["2"], heatmaps.looks[1].explanations[1].map)
    with (
        PIL.Image.open(tmp_path / "looks" / "film.png") as film,
        PIL.Image.open(tmp_path / "looks" / "epoch-0001.png") as one,
    ):
        assert film.width > one.width


def test_a_film_has_one_scale():
    """The same map at twice the strength is drawn stronger, never both as strong as can be."""
    model = network().eval()
    heatmaps = Heatmaps(pictures(1), targets=0, preprocess="unit", opening=SIZE)
    with torch.no_grad():
        model[6].weight.abs_()
    heatmaps.after(1, model)
    with torch.no_grad():
        model[6].weight.mul_(8)
    heatmaps.after(2, model)
    weak, strong = (look.explanations[0] for look in heatmaps.looks)
    assert np.allclose(8 * weak.map, strong.map, rtol=1e-4)
    highest = float(strong.heat(scale="none").max())
    film, drawn = heatmaps.film(), []
    for one in (weak, strong):
        tile = np.array(
            PIL.Image.fromarray(
                one.overlay(scale=highest, contour=False, mute=False)
            ).resize((192, 192), PIL.Image.Resampling.NEAREST)
        )  # fmt: skip
        assert _holds(film, tile)
        drawn.append(tile)
    assert not np.array_equal(*drawn)


def _holds(film, tile):
    """Whether a tile stands somewhere in the film."""
    rows = np.lib.stride_tricks.sliding_window_view(film[:, :, 0], tile.shape[1], axis=1)
    found = np.argwhere((rows == tile[0, :, 0]).all(-1))
    return any(
        np.array_equal(film[y : y + 192, x : x + 192], tile)
        for y, x in found
        if film[y : y + 192, x : x + 192].shape == tile.shape
    )


@pytest.mark.parametrize(
    ("scale", "same"), [("picture", False), ("all", True)]
)  # fmt: skip
def test_a_scale_for_each_picture_or_for_all(scale, same):
    from xai_heatmap.training.film import _tops

    heatmaps = Heatmaps(pictures(3), targets=0, scale=scale, preprocess="unit", opening=SIZE)
    model = network().eval()
    with torch.no_grad():
        model[6].weight.abs_()
    heatmaps.after(1, model)
    assert (len(set(_tops(heatmaps.looks, scale))) == 1) is same


class Fails(nn.Module):
    """A network that fails on white pictures."""

    def __init__(self):
        super().__init__()
        self.inner = network()

    def forward(self, x):
        if (x.mean((1, 2, 3)) > 0.99).any():
            raise RuntimeError("too bright")
        return self.inner(x)


def test_a_picture_that_fails_is_left_out_with_one_warning(tmp_path):
    given = [*pictures(1), np.full((16, 16, 3), 255, np.uint8)]
    heatmaps = Heatmaps(given, tmp_path, preprocess="unit", opening=SIZE)
    with pytest.warns(UserWarning, match=r"picture 2 .* The training goes on"):
        look = heatmaps.after(1, Fails())
    assert look.explanations[0] is not None
    assert look.explanations[1] is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert heatmaps.after(2, Fails()).explanations[1] is None
    assert (tmp_path / "epoch-0002.png").exists()


def test_a_network_without_a_grid_is_one_warning():
    heatmaps = Heatmaps(pictures(), preprocess="unit", opening=SIZE)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3 * 256, 3))
    with pytest.warns(UserWarning, match=r"NoGrid.*The training goes on"):
        assert heatmaps.after(1, flat) is None
    assert heatmaps.looks == []


def test_a_log_that_fails_loses_no_look():
    def full(*_):
        raise OSError("disk full")

    heatmaps = Heatmaps(pictures(), full, preprocess="unit", opening=SIZE)
    with pytest.warns(UserWarning, match="disk full"):
        assert heatmaps.after(1, network()).epoch == 1


class Writer:
    """What TensorBoard's ``SummaryWriter`` takes."""

    def __init__(self):
        self.said = []

    def add_image(self, tag, img_tensor, global_step=None, walltime=None, dataformats="CHW"):
        assert dataformats == "HWC"
        assert img_tensor.dtype == np.uint8
        self.said.append((tag, global_step))

    def add_scalar(self, tag, scalar_value, global_step=None):
        self.said.append((tag, global_step))


class Client:
    """What the module ``mlflow`` takes."""

    def __init__(self):
        self.said = []

    def log_image(self, image, artifact_file=None):
        self.said.append((artifact_file, image.dtype.name))

    def log_metric(self, key, value, step=None):
        self.said.append((key, step))


def test_each_library_gets_what_it_takes():
    writer, client, wandb = Writer(), Client(), types.ModuleType("wandb")
    wandb.said, wandb.Image = [], lambda array: ("image", array.shape[2])
    wandb.log = wandb.said.append
    told = []
    lightning = types.SimpleNamespace(experiment=Writer())
    heatmaps = Heatmaps(
        pictures(1), [writer, client, wandb, lightning, lambda *own: told.append(own)],
        preprocess="unit", opening=SIZE,
    )  # fmt: skip
    heatmaps.after(1, network())
    heatmaps.finish(1, network())
    assert writer.said == [("heatmaps", 1), ("heatmaps/1/score", 1), ("heatmaps/film", None)]
    assert lightning.experiment.said == writer.said
    images = [("heatmaps/epoch-0001.png", "uint8"), ("heatmaps/film.png", "uint8")]
    assert client.said == [images[0], ("heatmaps/1/score", 1), images[1]]
    assert wandb.said[0]["heatmaps"] == ("image", 3)
    assert wandb.said[0]["epoch"] == 1
    assert wandb.said[1] == {"heatmaps/film": ("image", 3)}
    assert [own[0] for own in told] == [1, None]


@pytest.mark.parametrize(
    ("words", "how"),
    [
        ("at least one picture", {"pictures": []}),
        ("one for each of 2 pictures; received 1", {"targets": [1]}),
        ("at least 1", {"every": 0}),
        ("a whole number of epochs", {"every": 1.5}),
        ("a whole number of epochs", {"every": True}),
        ("to=None", {"to": []}),
        ("pictures is a list", {"pictures": "cat.jpg"}),
        ("'picture' or 'all'", {"scale": "max"}),
        ("can't be written", {"to": 7}),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_what_can_be_wrong_is_said_before_the_training(words, how):
    with pytest.raises(BadOption, match=words):
        Heatmaps(**{"pictures": pictures(), **how})


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("epoch", ["x", 1.0, None, 0, True])
def test_an_epoch_is_a_number_of_epochs(epoch):
    with pytest.raises(BadOption, match="epoch is the number of epochs done"):
        Heatmaps(pictures()).after(epoch, network())


def test_a_training_of_no_epoch_may_finish():
    with pytest.raises(BadOption, match="from 0 up; received -1"):
        Heatmaps(pictures()).finish(-1, network())
    assert Heatmaps(pictures(), preprocess="unit").finish(0, network()) is not None


def test_a_method_that_is_none_is_said_before_the_training():
    with pytest.raises(UnknownMethod, match="no method 'nope'"):
        Heatmaps(pictures(), method="nope")


def test_a_film_of_nothing_is_refused():
    with pytest.raises(BadOption, match="no look yet"):
        Heatmaps(pictures()).film()


def test_nothing_is_logged_where_nothing_is_said():
    assert logged_to(None) == []


def test_a_part_of_what_is_trained_is_explained():
    whole = nn.ModuleDict({"body": network()})
    heatmaps = Heatmaps(pictures(), of=lambda one: one["body"], preprocess="unit", opening=SIZE)
    assert heatmaps.after(1, whole) is not None
