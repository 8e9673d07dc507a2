"""Many pictures in, as many explanations out."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import (  # noqa: E402
    BadArray,
    BadOption,
    ImageNotFound,
    InputError,
    NotAnImage,
)
from xai_heatmap.explaining.many import pictures_in  # noqa: E402
from xai_heatmap.sources.files import SUFFIXES  # noqa: E402
from xai_heatmap.sources.listing.folder import in_folder  # noqa: E402

PICTURES = [
    np.random.default_rng(seed).integers(0, 256, (64, 64, 3)).astype(np.uint8) for seed in range(3)
]
ASK = {"preprocess": xh.Preprocess("unit", input_size=(64, 64), fit="stretch"), "target": 1}
X = torch.randn(5, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 4, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    ).eval()
    return xh.network(model, image_shape=(3, 64, 64))


@pytest.fixture
def folder(tmp_path):
    for number, picture in enumerate(PICTURES):
        PIL.Image.fromarray(picture).save(tmp_path / f"{number}.png")
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "more").mkdir()
    return tmp_path


class Rows:
    """A data set that is asked by number."""

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, place):
        return self.rows[place]


FORMS = {
    "a list": lambda _: PICTURES,
    "a tuple": lambda _: tuple(PICTURES),
    "a generator": lambda _: (picture for picture in PICTURES),
    "Pillow images": lambda _: [PIL.Image.fromarray(picture) for picture in PICTURES],
    "a folder": lambda folder: folder,
    "a folder by name": str,
    "paths": lambda folder: sorted(folder.glob("*.png")),
    "an array of paths": lambda folder: np.array(sorted(map(str, folder.glob("*.png")))),
    "pairs with classes": lambda _: [(picture, 1) for picture in PICTURES],
    "rows of a table": lambda _: [{"label": 1, "image": picture} for picture in PICTURES],
    "a data set by number": lambda _: Rows([(picture, 1) for picture in PICTURES]),
    "a batch in a list": lambda _: [np.stack(PICTURES)],
    "tensors of bytes": lambda _: [torch.from_numpy(p).permute(2, 0, 1) for p in PICTURES],
}


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_each_is_what_it_gets_alone(network, folder, form):
    right = [xh.explain(network, picture, **ASK) for picture in PICTURES]
    got = xh.explain(network, FORMS[form](folder), **ASK)
    assert isinstance(got, xh.Explanations)
    for e, alone in zip(got, right, strict=True):
        np.testing.assert_array_equal(e.map, alone.map)


@pytest.mark.slow
def test_batches_of_a_loader_are_gone_through_row_by_row(network):
    right = xh.maps(network, X.numpy(), target=1)
    loader = DataLoader(TensorDataset(X, torch.arange(5)), batch_size=2)
    got = [e.map for e in xh.explain(network, loader, target=1)]
    np.testing.assert_allclose(got, right, atol=1e-6)
    got = [e.map for e in xh.explain(network, list(X), target=1)]
    np.testing.assert_allclose(got, right, atol=1e-6)


def test_nothing_is_read_before_it_is_asked_for(network):
    read = []

    def pictures():
        for place, picture in enumerate(PICTURES):
            read.append(place)
            yield picture

    got = xh.explain(network, pictures(), **ASK)
    assert read == []
    next(got)
    assert read == [0]


def test_a_broken_picture_raises_at_its_place_and_nothing_else_is_lost(network, folder):
    (folder / "1.png").write_bytes(b"no picture at all")
    right = [xh.explain(network, PICTURES[place], **ASK).map for place in (0, 2)]
    got = xh.explain(network, folder, **ASK)
    np.testing.assert_array_equal(next(got).map, right[0])
    with pytest.raises(NotAnImage, match=r"1\.png"):
        next(got)
    np.testing.assert_array_equal(next(got).map, right[1])
    with pytest.raises(StopIteration):
        next(got)


def test_going_on_keeps_what_was_refused(network, folder):
    (folder / "1.png").write_bytes(b"no picture at all")
    refused = []
    got = list(xh.explain(network, folder, **ASK).going_on(refused))
    assert [e.name for e in got] == ["0.png", "2.png"]
    assert [(place, type(error)) for place, error in refused] == [(1, NotAnImage)]


class Torn(Rows):
    def __getitem__(self, place):
        if place == 1:
            raise OSError("torn")
        return self.rows[place]


@pytest.mark.parametrize("given", [Torn(PICTURES), [PICTURES[0], {"label": 1}, PICTURES[2]]])
def test_a_row_that_can_not_be_had_loses_no_other(network, given):
    refused = []
    got = list(xh.explain(network, given, **ASK).going_on(refused))
    assert len(got) == 2
    assert [place for place, _ in refused] == [1]


@pytest.mark.slow
def test_what_can_be_gone_through_again_is_explained_again(network):
    got = xh.explain(network, PICTURES, **ASK)
    assert len(list(got)) == len(list(got)) == 3
    once = xh.explain(network, iter(PICTURES), **ASK)
    assert (len(list(once)), len(list(once))) == (3, 0)


def test_a_transform_is_measured_once_for_all(network):
    times = []

    def transform(picture):
        times.append(1)
        return torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 255

    assert len(list(xh.explain(network, PICTURES, preprocess=transform, target=1))) == 3
    assert len(times) == 3 + 6


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ([], BadArray, "is empty"),
        ((), BadArray, "is empty"),
        (iter([]), BadArray, "list_iterator of pictures gave none.*gone through before"),
        (DataLoader([]), BadArray, "DataLoader of pictures is empty"),
        (TensorDataset(X[:0]), BadArray, "TensorDataset of pictures is empty"),
        ([{"label": 1}], InputError, r"holds label.*row\[KEY\]"),
    ],
)
def test_what_holds_no_pictures_is_told_in_words(network, given, error, said):
    with pytest.raises(error, match=said):
        list(xh.explain(network, given, **ASK))


class Unmeasured:
    """A data set without a length, which ends as Python's own sequences do."""

    def __init__(self, end=IndexError):
        self.end = end

    def __getitem__(self, place):
        if place >= len(PICTURES):
            raise self.end("no such row")
        return PICTURES[place], 1


class Dishonest(Unmeasured):
    def __len__(self):
        raise NotImplementedError


@pytest.mark.parametrize("data", [Unmeasured(), Dishonest()])
def test_a_data_set_without_a_length_is_gone_through_to_its_end(network, data):
    maps = [one.map for one in xh.explain(network, data, **ASK)]
    np.testing.assert_array_equal(maps, [xh.explain(network, p, **ASK).map for p in PICTURES])


def test_a_row_that_fails_ends_a_data_set_without_a_length(network):
    explanations = xh.explain(network, Unmeasured(KeyError), **ASK)
    refused = []
    assert len(list(explanations.going_on(refused))) == 3
    assert [(place, "__len__" in str(error)) for place, error in refused] == [(3, True)]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_folder_gives_every_kind_of_picture_that_a_run_takes(tmp_path, suffix):
    names = [f"one{suffix}", f"TWO{suffix.upper()}"]
    for name in (*names, "notes.txt", f"{suffix[1:]}"):
        (tmp_path / name).touch()
    assert sorted(path.name for path in pictures_in(tmp_path)) == sorted(names)
    assert sorted(entry.id for entry in in_folder(str(tmp_path))) == sorted(names)


def test_a_folder_without_pictures_is_told_in_words(network, tmp_path):
    with pytest.raises(ImageNotFound, match="no picture in the folder"):
        list(xh.explain(network, Path(tmp_path), **ASK))


def test_compare_says_how_many_are_compared(network):
    with pytest.raises(BadOption, match="one by one"):
        xh.compare(network, PICTURES, preprocess="unit")


@pytest.mark.parametrize(
    "given",
    [
        (X[:1], torch.tensor([1])), (X[0], 1), (PICTURES[0], np.int64(2)), ("a.png", 3),
        [X, X[:, 0, 0, 0].long()],
    ],
    ids=["a batch of a loader", "a row", "a picture", "a path", "a list"],
)  # fmt: skip
@pytest.mark.parametrize("call", [xh.explain, xh.compare])
def test_a_picture_with_its_class_is_told_to_come_alone(network, given, call):
    with pytest.raises(BadArray, match=r"row\[0\]"):
        call(network, given)


@pytest.mark.parametrize("call", [xh.explain, xh.compare])
def test_what_a_processor_answers_is_told_by_its_key(network, call):
    with pytest.raises(BadArray, match=r"row\['pixel_values'\].*ready"):
        call(network, {"pixel_values": X})


def test_rows_in_a_list_are_many_pictures(network):
    rows = [(PICTURES[0], 1), (PICTURES[1], 2)]
    assert [e.map.shape for e in xh.explain(network, rows, **ASK)] == [(16, 16)] * 2
