"""Networks whose Python fixes how many pictures they take: served one at a time, or refused."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import ModelError, NoGrid
from xai_heatmap.networks.opening.interfaces import Recorded
from xai_heatmap.networks.opening.one_by_one import refuse_fixed, together
from xai_heatmap.testing.conformance import SHAPE, images
from xai_heatmap.testing.conformance import batches as conformance_batches
from xai_heatmap.testing.conformance.kit import maps


class OfTorch:
    methods = (
        "gradcam", "ablationcam", "occlusion", "integrated_gradients", "fullgrad", "liftcam",
        "smoothgrad", "eigencam", "libragrad",
    )  # fmt: skip

    def fixed(self, number):
        torch = pytest.importorskip("torch")
        torch.manual_seed(0)

        class Network(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = torch.nn.Conv2d(3, 4, 3, padding=1)
                self.fc = torch.nn.Linear(4 * 8 * 8, 5)

            def forward(self, x):
                seen = torch.relu(self.conv(x))
                return self.fc(seen.view(len(x) if number is None else number, -1))

        return Network().eval()


class OfKeras:
    methods = ("gradcam", "ablationcam", "occlusion", "integrated_gradients")

    def fixed(self, number):
        keras = pytest.importorskip("keras")
        keras.utils.set_random_seed(0)

        class Network(keras.Model):
            def __init__(self):
                super().__init__()
                self.conv = keras.layers.Conv2D(
                    4, 3, padding="same", activation="relu", name="conv"
                )
                self.fc = keras.layers.Dense(5)

            def call(self, x):
                shape = (-1, 4 * 8 * 8) if number is None else (number, 4 * 8 * 8)
                return self.fc(keras.ops.reshape(self.conv(x), shape))

        model = Network()
        model(np.zeros((number or 1, *SHAPE[1:], SHAPE[0]), np.float32))
        return model


@pytest.mark.parametrize("kit", [OfTorch, OfKeras])
@pytest.mark.parametrize("check", conformance_batches.CHECKS, ids=lambda check: check.__name__)
def test_a_fixed_number_of_pictures_is_served_one_by_one_or_refused(check, kit):
    check(kit())


def test_the_ways_back_of_single_pictures_are_one_of_all():
    def run(row):
        def pullback(cotangent):
            return {"a": cotangent * (row + 1)}

        biases = {"same": np.ones(3), "own": np.full((1, 2), row)}
        return Recorded(np.full((1, 2), row), {"a": np.full((1, 4), row)}, pullback, biases=biases)

    whole = together([run(row) for row in range(3)])
    assert whole.scores.tolist() == [[0, 0], [1, 1], [2, 2]]
    assert whole.outputs["a"][:, 0].tolist() == [0, 1, 2]
    cotangent = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert whole.pullback(cotangent)["a"].tolist() == [[0, 1], [4, 6], [12, 15]]
    assert whole.biases["same"].shape == (3,)
    assert whole.biases["own"].tolist() == [[0, 0], [1, 1], [2, 2]]


def test_what_is_held_goes_with_its_own_picture():
    torch = pytest.importorskip("torch")

    class Held(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 4, 3, padding=1)

        def forward(self, x, scale):
            return (self.conv(x) * scale[:, :, None, None]).mean((2, 3)).view(1, 4)

    torch.manual_seed(0)
    x, scale = images(3), np.array([[1.0], [2.0], [3.0]], np.float32)
    with pytest.warns(UserWarning, match="one picture at a time"):
        found = xh.network(Held(), image_shape=SHAPE, held={"scale": scale}).record(x).scores
    torch.manual_seed(0)
    with pytest.warns(UserWarning, match="one picture at a time"):
        ones = xh.network(Held(), image_shape=SHAPE, held={"scale": scale[:1]}).record(x).scores
    np.testing.assert_allclose(found, ones * scale, rtol=1e-5)


class Attending:
    """One block of attention over patches, for one picture at a time or for any number."""

    methods = ("rollout", "attention_relevance", "input_x_gradient", "occlusion")

    def fixed(self, number):
        torch = pytest.importorskip("torch")
        torch.manual_seed(0)

        class Network(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = torch.nn.Conv2d(3, 8, 2, 2)
                self.block = torch.nn.MultiheadAttention(8, 2, batch_first=True)
                self.fc = torch.nn.Linear(8, 5)

            def forward(self, x):
                patches = self.conv(x).view(number or len(x), 8, 16).mT
                return self.fc((patches + self.block(patches, patches, patches)[0]).mean(1))

        return Network().eval()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", Attending.methods)
def test_attention_of_one_picture_at_a_time_is_that_of_many(method):
    kit, x = Attending(), images(3)
    free, alone = (xh.network(kit.fixed(number), image_shape=SHAPE) for number in (None, 1))
    right, found = (maps(one, x, method=method, target=1) for one in (free, alone))
    assert np.abs(right).max() > 0
    np.testing.assert_allclose(found, right, atol=1e-4 * np.abs(right).max())


class GoingThrough:
    """A network that goes through its batch itself, or takes it as it is."""

    def fixed(self, through, rows=True):
        torch = pytest.importorskip("torch")
        torch.manual_seed(0)

        class Network(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = torch.nn.Conv2d(3, 4, 3, padding=1)
                self.fc = torch.nn.Linear(4, 5)

            def one(self, x):
                return self.fc(torch.relu(self.conv(x)).mean((-1, -2)))

            def forward(self, x):
                if not through:
                    return self.one(x)
                if not rows:
                    return torch.stack([self.one(picture) for picture in x])
                return torch.cat([self.one(x[i : i + 1]) for i in range(len(x))])

        return Network().eval()


@pytest.mark.parametrize("method", OfTorch.methods)
def test_a_network_that_goes_through_its_batch_has_the_layers_of_one_that_does_not(method):
    kit, x = GoingThrough(), images(3)
    free, own = (xh.network(kit.fixed(through), image_shape=SHAPE) for through in (False, True))
    assert [*own.layers] == [*free.layers] == ["input", "conv", "fc"]
    right, found = (maps(one, x, method=method, target=1) for one in (free, own))
    assert np.abs(right).max() > 0
    np.testing.assert_allclose(found, right, atol=1e-4 * np.abs(right).max())


def test_a_network_that_drops_the_axis_of_pictures_says_how_to_keep_it():
    network = xh.network(GoingThrough().fixed(True, rows=False), image_shape=SHAPE)
    with pytest.raises(NoGrid, match=r"x\[i:i\+1\] in place of x\[i\]"):
        xh.maps(network, images(2), method="gradcam", target=1)


def test_a_part_that_runs_twice_on_what_is_no_picture_is_no_pass_for_each_picture():
    torch = pytest.importorskip("torch")

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(3, 4, 3, padding=1)
            self.table = torch.nn.Linear(4, 4)

        def forward(self, x):
            mean = self.conv(x).mean((2, 3))
            return mean + sum(self.table(torch.ones(1, 4) * own) for own in (1, 2))

    network = xh.network(Network().eval(), image_shape=SHAPE)
    assert "conv" in network.layers
    assert not network._state.one_by_one


def test_a_picture_that_a_network_fails_on_is_not_taken_for_a_fixed_number():
    torch = pytest.importorskip("torch")

    class Picky(torch.nn.Module):
        def forward(self, x):
            if x.max() > 100:
                raise ValueError("too bright")
            return x.mean((2, 3))

    with pytest.raises(ValueError, match="too bright"):
        xh.network(Picky(), image_shape=SHAPE).record(images(1) + 1000)


def test_only_another_number_of_pictures_shows_that_the_number_is_fixed():
    def takes(*numbers):
        def run(number):
            if number not in numbers:
                raise RuntimeError(f"shape {number}")

        return run

    refuse_fixed(takes(), 3, name="N")
    refuse_fixed(takes(3), 3, name="N")
    with pytest.raises(ModelError, match=r"N takes exactly 8 pictures .*shape 3.*view\(8, -1\)"):
        refuse_fixed(takes(8), 3, name="N")
