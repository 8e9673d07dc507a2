"""Data sets of Hugging Face as sources: by name, by folder, refused in words."""

import importlib.util
import io
import sys
import types

import numpy as np
import PIL.Image
import pytest

from xai_heatmap.core.errors import BadOption, ImageNotFound, NotAnImage
from xai_heatmap.sources import hugging
from xai_heatmap.sources.listing.entry import absolute
from xai_heatmap.sources.listing.listed import entries

NAMES = ["cat", "dog"]


def png(number):
    written = io.BytesIO()
    PIL.Image.fromarray(np.full((3, 4, 3), number, np.uint8)).save(written, "PNG")
    return written.getvalue()


class Image:
    def __init__(self, decode=True):
        self.decode = decode


class ClassLabel:
    names = NAMES


class Value:
    pass


class Rows:
    """What ``datasets.Dataset`` answers, as far as it is asked."""

    def __init__(self, columns, features):
        self.columns, self.features = columns, features

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def cast_column(self, name, kind):
        return Rows(self.columns, self.features | {name: kind})

    def __getitem__(self, which):
        if isinstance(which, str):
            return self.columns[which]
        assert not getattr(self.features["image"], "decode", False), "pictures are not decoded here"
        return {name: own[which] for name, own in self.columns.items()}


def rows(count, **other):
    columns = {
        "image": [{"bytes": png(number), "path": None} for number in range(count)],
        "fine": [number % 2 for number in range(count)],
    }
    kinds = {"image": Image(), "fine": ClassLabel()}
    return Rows(columns | other, kinds | {name: Value() for name in other})


@pytest.fixture
def package(monkeypatch):
    """A package `datasets` with two data sets by name; what was asked of it is kept."""
    hugging.part_of.cache_clear()
    asked = []
    known = {"org/birds": {"train": rows(3), "test": rows(2)}, "org/plain": {"all": rows(1)}}

    def load_dataset(name, config, split=None):
        asked.append((name, config, split))
        if name not in known:
            raise ConnectionError(f"Couldn't reach {name!r} on the Hub.")
        return known[name] if split is None else known[name][split]

    made = types.SimpleNamespace(
        load_dataset=load_dataset, load_from_disk=lambda path: rows(2), asked=asked, known=known
    )
    monkeypatch.setitem(sys.modules, "datasets", made)
    yield made
    hugging.part_of.cache_clear()


def test_all_splits_of_a_name_with_labels_by_name(package):
    found = list(entries(["hf:org/birds"]))
    assert [one.id for one in found] == ["train/0", "train/1", "train/2", "test/0", "test/1"]
    assert [one.label for one in found] == ["cat", "dog", "cat", "cat", "dog"]
    assert found[4].given() == png(1)
    assert found[2].uri == "hf:org/birds?split=train&column=image#2"
    assert absolute("hf:org/birds") == "hf:org/birds"


def test_a_split_and_a_configuration_are_asked_for(package):
    found = list(entries(["hf:org/birds?split=test&config=small"]))
    assert [one.id for one in found] == ["test/0", "test/1"]
    assert package.asked == [("org/birds", "small", "test")]
    hugging.part_of.cache_clear()  # as in another process, from the entry alone
    assert found[1].given() == png(1)
    assert package.asked[-1] == ("org/birds", "small", "test")


def test_a_folder_that_was_saved_is_one(package, tmp_path):
    (tmp_path / "state.json").touch()
    for name in (str(tmp_path), f"hf:{tmp_path}"):
        assert [one.id for one in entries([name])] == ["all/0", "all/1"]
    assert package.asked == []


def test_pictures_may_lie_in_files_and_rows_may_hold_none(package, tmp_path):
    (tmp_path / "a.png").write_bytes(png(7))
    held = [{"bytes": None, "path": str(tmp_path / "a.png")}, {"bytes": None, "path": None}, None]
    package.known["org/odd"] = {
        "all": Rows(
            {"image": held, "label": [1.5, None, "x"]}, {"image": Image(), "label": Value()}
        )
    }
    first, *others = entries(["hf:org/odd"])
    assert first.given() == tmp_path / "a.png"
    assert [one.label for one in (first, *others)] == ["1.5", None, "x"]
    for one in others:
        with pytest.raises(NotAnImage, match="holds no picture"):
            one.given()


def test_a_column_of_ones_own(package):
    package.known["org/two"] = {"all": rows(1, scan=[{"bytes": png(9), "path": None}])}
    assert next(entries(["hf:org/two?column=scan"])).given() == png(9)
    with pytest.raises(BadOption, match=r"no column 'nose'; there are image, fine, scan"):
        list(entries(["hf:org/two?column=nose"]))
    package.known["org/none"] = {"all": Rows({"text": ["a"]}, {"text": Value()})}
    with pytest.raises(BadOption, match="no column of pictures; there are text"):
        list(entries(["hf:org/none"]))


@pytest.mark.parametrize(
    ("source", "kind", "said"),
    [
        ("hf:nobody/none", ImageNotFound, "can't be had: ConnectionError: Couldn't reach"),
        ("hf:org/birds?split=nose", ImageNotFound, "can't be had: KeyError"),
        ("hf:org/birds?splot=test", BadOption, "split, config, column; received 'splot=test'"),
        ("hf:org/birds?test", BadOption, "hf:NAME.split=test"),
    ],
)
def test_what_is_none_is_refused(package, source, kind, said):
    with pytest.raises(kind, match=said):
        list(entries([source]))


def test_without_the_package_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ImageNotFound, match="pip install datasets"):
        list(entries(["hf:org/none"]))


@pytest.mark.skipif(importlib.util.find_spec("datasets") is None, reason="needs datasets")
def test_the_package_itself_answers_the_same(tmp_path):
    import datasets

    kinds = {"image": datasets.Image(), "label": datasets.ClassLabel(names=NAMES)}
    made = datasets.Dataset.from_dict(
        {"image": [{"bytes": png(n), "path": None} for n in range(3)], "label": [0, 1, 0]},
        features=datasets.Features(kinds),
    )
    datasets.DatasetDict({"train": made, "test": made}).save_to_disk(tmp_path / "saved")
    found = list(entries([f"hf:{tmp_path / 'saved'}?split=test"]))
    assert [(one.id, one.label) for one in found] == [
        ("test/0", "cat"), ("test/1", "dog"), ("test/2", "cat"),
    ]  # fmt: skip
    assert [one.given() for one in found] == [png(0), png(1), png(2)]
    with pytest.raises(ImageNotFound, match="no split 'nose'; there are train, test"):
        list(entries([f"hf:{tmp_path / 'saved'}?split=nose"]))
