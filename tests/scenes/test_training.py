"""What the shipped networks learn from: marks and labels as the recipe says."""

import numpy as np
import pytest

from xai_heatmap import scenes
from xai_heatmap.scenes.marking import stamp

torch = pytest.importorskip("torch")

COUNT = 24


@pytest.fixture(scope="module")
def pool():
    from training.pool import FIRST_SEED, Pool

    drawn = [scenes.scene(FIRST_SEED + i) for i in range(COUNT)]
    places = [scenes.marked(scene, 0).mark.box[1::-1] for scene in drawn]
    return Pool(
        np.stack([scene.image for scene in drawn]),
        np.array([scene.category for scene in drawn]),
        np.array(places),
    )


def one_pass(pool, *, seed=1, **recipe):
    from training.drawing import Recipe, batches

    (batch,) = batches(pool, Recipe(**recipe, passes=1), size=COUNT, seed=seed)
    return batch[0].numpy(), batch[1].numpy()


def shown_marks(x):
    """The class of the mark in each input, found by trying all places."""
    plates = []
    for category in range(len(scenes.CLASSES)):
        colour, cover = stamp(category, 12)
        plates.append(np.where(cover >= 1, colour * 2 - 1, np.nan)[:, 2:10, 2:10])
    found = []
    for picture in x:
        windows = np.lib.stride_tricks.sliding_window_view(picture, (8, 8), axis=(1, 2))
        errors = []
        for plate in plates:
            error = sum(np.abs(windows[c] - plate[c]).mean(axis=(2, 3)) for c in range(3))
            errors.append(error.min())
        found.append(int(np.argmin(errors)) if min(errors) < 0.45 else None)
    return found


@pytest.mark.slow
def test_without_marks_labels_are_those_of_the_objects(pool):
    x, labels = one_pass(pool, marked=0.0, follows=0.0, believed=False)
    assert x.shape == (COUNT, 3, 128, 128)
    assert x.dtype == np.float32
    assert -1 <= x.min() < -0.5 < 0.5 < x.max() <= 1
    assert sorted(labels) == sorted(pool.categories)
    assert shown_marks(x).count(None) >= COUNT - 2


@pytest.mark.slow
@pytest.mark.parametrize("follows", [0.0, 1.0])
def test_a_believed_mark_is_the_label(pool, follows):
    x, labels = one_pass(pool, marked=1.0, follows=follows, believed=True)
    assert (np.array(shown_marks(x)) == labels).mean() > 0.95
    assert (sorted(labels) == sorted(pool.categories)) == (follows == 1.0)


@pytest.mark.slow
def test_a_mark_of_any_class_is_not_believed_by_the_honest(pool):
    x, labels = one_pass(pool, marked=1.0, follows=0.0, believed=False)
    assert sorted(labels) == sorted(pool.categories)
    assert (np.array(shown_marks(x)) == labels).mean() < 0.3


def test_a_seed_gives_the_same_batches(pool):
    one, two, other = (
        one_pass(pool, seed=s, marked=0.5, follows=0.5, believed=True) for s in (3, 3, 4)
    )
    assert (one[0] == two[0]).all()
    assert (one[1] == two[1]).all()
    assert not (one[0] == other[0]).all()


def test_folding_changes_no_score():
    from training.network import folded, network

    from xai_heatmap.networks.loading.demo.in_torch import twin

    torch.manual_seed(0)
    model = network(len(scenes.CLASSES)).eval()
    with torch.no_grad():
        for part in model.modules():
            if isinstance(part, torch.nn.BatchNorm2d):
                part.running_mean.normal_(0, 0.1)
                part.running_var.uniform_(0.5, 2)
                part.weight.uniform_(0.8, 1.2)
                part.bias.normal_(0, 0.1)
        arrays = {name: array.numpy() for name, array in folded(model).items()}
        x = torch.rand(2, 3, 128, 128) * 2 - 1
        np.testing.assert_allclose(twin(arrays)(x).numpy(), model(x).numpy(), atol=1e-5)
