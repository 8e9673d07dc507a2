"""Pictures of other bands than a photograph has: in the network's own layout, as they are."""

import struct
import sys

import numpy as np
import PIL.Image
import pytest
import torch
from torch import nn

import xai_heatmap as xh
from xai_heatmap.core.errors import BadArray, BadOption, NotAnImage, UnknownPreprocess
from xai_heatmap.sources.band_files import bands_in


def looking_at(band, bands):
    """A network whose first class is one band."""
    model = nn.Sequential(
        nn.Conv2d(bands, 2, 4, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
        model[0].weight[0, band] = 1 / 16
    return model.eval()


def lit(band, bands, dtype="f4", value=3):
    picture = np.zeros((bands, 32, 48), dtype)
    picture[band, 8:16, 20:28] = value
    return picture


def peak(e):
    row, column = np.unravel_index(e.heat().argmax(), e.heat().shape)
    return 6 <= row < 18 and 18 <= column < 30


ASK = {"method": "layercam", "target": 0}


@pytest.mark.parametrize("bands", [2, 4, 5, 13])
@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("last", [True, False])
def test_floats_go_in_as_they_are_from_either_layout(bands, declared, last):
    picture = lit(bands - 1, bands)
    shape = {"image_shape": picture.shape} if declared else {}
    network = xh.network(looking_at(bands - 1, bands), **shape)
    given = np.moveaxis(picture, 0, -1) if last else picture
    e = xh.explain(network, given, **ASK)
    assert e.image.shape == (32, 48, 3)
    assert peak(e)
    assert e.score == pytest.approx(3 * 64 / (32 * 48))
    np.testing.assert_allclose(e.map, xh.maps(network, picture[None], **ASK)[0])
    assert e.overlay().shape == (32, 48, 3)
    assert any(f"{bands}" in note and "drawn" in note for note in e.notes)


@pytest.mark.parametrize(
    ("dtype", "value", "ask", "level"),
    [
        ("u1", 255, {"preprocess": "unit"}, 1),
        ("u1", 255, {"preprocess": "raw"}, 255),
        ("u2", 65535, {"preprocess": "unit"}, 1),
        (">u2", 4095, {"preprocess": "unit", "white": 4095}, 1),
        ("u2", 4095, {"white": 4095}, 1),
        ("i2", 1200, {"preprocess": "raw"}, 1200),
        ("i2", 1200, {"preprocess": {"mode": "raw", "mean": [200], "std": [10]}}, 100),
        ("f8", 3.5, {"preprocess": "raw"}, 3.5),
        ("u1", 51, {"preprocess": {"mode": "unit", "mean": [0] * 6, "std": [0.1] * 6}}, 2),
    ],
)
def test_numbers_are_scaled_as_is_said(dtype, value, ask, level):
    network = xh.network(looking_at(5, 6), image_shape=(6, 32, 48))
    e = xh.explain(network, lit(5, 6, dtype, value), **ASK, **ask)
    assert e.score == pytest.approx(level * 64 / (32 * 48), rel=1e-4)
    assert peak(e)


def test_whole_numbers_need_a_word():
    network = xh.network(looking_at(0, 6), image_shape=(6, 32, 48))
    with pytest.raises(UnknownPreprocess, match=r"'raw'.*'unit'"):
        xh.explain(network, lit(0, 6, "u1", 255))
    with pytest.raises(BadOption, match="What is white"):
        xh.explain(network, lit(0, 6, "i2", 255), preprocess="unit")


def test_a_band_too_few_and_a_preset_of_three_are_refused():
    network = xh.network(looking_at(0, 6), image_shape=(6, 32, 48))
    for given in (lit(0, 5), np.zeros((32, 48, 3), np.uint8), np.zeros((32, 48), np.float32)):
        with pytest.raises(BadArray, match="6"):
            xh.explain(network, given, preprocess="unit")
    with pytest.raises(BadOption, match="6 bands, and mean has 3"):
        xh.explain(network, lit(0, 6), preprocess="imagenet")
    with pytest.raises(BadArray, match="NaN"):
        xh.explain(network, np.full((6, 32, 48), np.nan, np.float32))


def test_twelve_bits_in_bands_get_a_note():
    network = xh.network(looking_at(5, 6), image_shape=(6, 32, 48))
    e = xh.explain(network, lit(5, 6, "u2", 4095), preprocess="unit", **ASK)
    assert any("white=4095" in note for note in e.notes)


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_a_fourth_band_is_no_transparency_for_a_network_of_four(kind, tmp_path):
    picture = np.full((32, 48, 4), 60, np.uint8)
    picture[8:16, 20:28, 3] = 255
    PIL.Image.fromarray(picture).save(tmp_path / f"a.{kind}")
    for model in (looking_at(3, 4), xh.network(looking_at(3, 4), image_shape=(4, 32, 48))):
        for given in (picture, tmp_path / f"a.{kind}", PIL.Image.fromarray(picture)):
            e = xh.explain(model, given, preprocess="unit", **ASK)
            assert peak(e)
            assert e.score > 60 / 255


def test_a_photograph_for_a_network_of_three_is_composited_as_before():
    picture = np.zeros((32, 48, 4), np.uint8)
    e = xh.explain(
        xh.network(looking_at(0, 3), image_shape=(3, 32, 48)), picture, preprocess="unit", **ASK
    )
    assert (e.image == 255).all()


def test_keras_takes_bands_in_its_own_layout():
    keras = pytest.importorskip("keras")
    model = keras.Sequential([
        keras.layers.Input((32, 48, 5)), keras.layers.Conv2D(2, 4, 4, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
    ])  # fmt: skip
    kernel = np.zeros((4, 4, 5, 2), "f4")
    kernel[:, :, 4, 0] = 1 / 16
    model.layers[0].set_weights([kernel, np.zeros(2, "f4")])
    picture = lit(4, 5)
    for given in (picture, np.moveaxis(picture, 0, -1)):
        e = xh.explain(model, given, **ASK)
        assert peak(e)
        assert e.score == pytest.approx(3 * 64 / (32 * 48), rel=1e-5)


def test_a_function_and_the_command_line_take_bands(tmp_path, monkeypatch):
    from xai_heatmap.apps.cli import main

    network = xh.network(
        lambda x: x[:, 5].mean((1, 2))[:, None] * [[1, -1]], image_shape=(6, 32, 48)
    )
    e = xh.explain(network, lit(5, 6), method="occlusion", target=0)
    assert peak(e)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(
        "import torch\nfrom torch import nn\ndef build():\n    torch.manual_seed(0)\n    return "
        "nn.Sequential(nn.Conv2d(6, 4, 4, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())\n"
    )
    np.save(tmp_path / "field.npy", lit(5, 6))
    np.save(tmp_path / "whole.npy", lit(5, 6, "u1", 255))
    words = ["-m", "net.py:build", "--out", "out", "--quiet"]
    assert main(["explain", "field.npy", *words]) == 0
    assert main(["explain", "whole.npy", *words, "--preprocess", "unit"]) == 0
    assert len(list((tmp_path / "out").glob("*.png"))) == 2


@pytest.mark.parametrize(
    ("dtype", "ask"), [("u2", {"preprocess": "unit", "white": 4095}), ("f4", {})]
)
def test_every_page_of_a_tiff_is_a_band(dtype, ask, tmp_path):
    picture = lit(4, 6, dtype, 4095 if dtype == "u2" else 1)
    first, *others = [PIL.Image.fromarray(band) for band in picture]
    first.save(tmp_path / "field.tif", save_all=True, append_images=others)
    model = looking_at(4, 6)
    for given in (tmp_path / "field.tif", (tmp_path / "field.tif").read_bytes()):
        e = xh.explain(model, given, **ask, **ASK)
        assert peak(e)
        assert e.score == pytest.approx(64 / (32 * 48), rel=1e-5)
    with pytest.raises(BadArray, match=r"7 bands.*\(32, 48, 6\)"):
        xh.explain(looking_at(4, 7), tmp_path / "field.tif", **ask, **ASK)


def test_bands_are_drawn_by_their_numbers():
    """Red is the fifth band: where that one is lit, and nothing else, the drawing is red."""
    picture = lit(4, 6)
    e = xh.explain(looking_at(4, 6), picture, image=(5, 1, 2), **ASK)
    assert e.image[10, 22].tolist() == [255, 0, 0]
    assert any("bands 5, 1 and 2 of 6" in note for note in e.notes)
    whole = xh.explain(
        looking_at(4, 6), lit(4, 6, "i2", 9), image=(1, 2, 5), preprocess="raw", **ASK
    )
    assert whole.image[10, 22].tolist() == [0, 0, 255]
    assert peak(whole)
    with pytest.raises(BadOption, match="bands 1 to 6"):
        xh.explain(looking_at(4, 6), picture, image=(7, 1, 2), **ASK)


def test_whole_numbers_are_drawn_on_a_picture_of_ones_own():
    own = np.random.default_rng(0).integers(0, 255, (32, 48, 3), dtype=np.uint8)
    e = xh.explain(looking_at(4, 6), lit(4, 6, "u1", 255), image=own, preprocess="unit", **ASK)
    np.testing.assert_array_equal(e.image, own)
    assert peak(e)


@pytest.mark.parametrize("layout", ["contig", "separate"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f4"])
@pytest.mark.parametrize("bands", [2, 4, 6])
def test_every_sample_of_a_tiff_is_a_band(layout, dtype, bands, tmp_path):
    tifffile = pytest.importorskip("tifffile", reason="reads what Pillow can't")
    picture = np.random.default_rng(0).normal(100, 20, (bands, 32, 48)).astype(dtype)
    last = picture if layout == "separate" else np.moveaxis(picture, 0, -1)
    how = {"photometric": "minisblack", "planarconfig": layout}
    small = np.ascontiguousarray(last[..., ::2, ::2] if layout == "separate" else last[::2, ::2])
    with tifffile.TiffWriter(tmp_path / "field.tif") as file:
        file.write(np.ascontiguousarray(last), **how)
        file.write(small, subfiletype=1, **how)  # of a pyramid
    for given in (tmp_path / "field.tif", (tmp_path / "field.tif").read_bytes()):
        found = bands_in(given, bands)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, np.moveaxis(picture, 0, -1))


def test_colours_and_infrared_of_16_bits_keep_all_of_them(tmp_path):
    tifffile = pytest.importorskip("tifffile", reason="reads what Pillow cuts to eight bits")
    picture = np.random.default_rng(0).integers(0, 65536, (8, 9, 4), dtype=np.uint16)
    tifffile.imwrite(
        tmp_path / "field.tif", picture, photometric="rgb", extrasamples=["unassalpha"]
    )
    np.testing.assert_array_equal(bands_in(tmp_path / "field.tif", 4), picture)


def test_pages_of_several_samples_are_refused_with_the_line_to_write(tmp_path):
    tifffile = pytest.importorskip("tifffile", reason="reads what Pillow can't")
    pages = np.zeros((2, 8, 9, 6), np.uint16)
    how = {"photometric": "minisblack", "planarconfig": "contig"}
    tifffile.imwrite(tmp_path / "field.tif", pages, **how)
    with pytest.raises(BadArray, match=r"2 pages of 6 samples each.*np\.save\('picture\.npy'"):
        xh.explain(looking_at(0, 6), tmp_path / "field.tif", preprocess="unit", **ASK)


def six_samples():
    """A TIFF of 1 x 1 pixel and six samples, byte by byte."""
    tags = [(256, 1, 1), (257, 1, 1), (258, 6, 200), (259, 1, 1), (262, 1, 1)]
    tags += [(273, 1, 212), (277, 1, 6), (278, 1, 1), (279, 1, 6)]
    entries = b"".join(struct.pack("<HHII", tag, 3, count, value) for tag, count, value in tags)
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4)
    return head.ljust(200, b"\0") + struct.pack("<6H", *[8] * 6) + bytes(range(6))


def test_where_tifffile_is_missing_the_line_to_write_is_said(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tifffile", None)
    (tmp_path / "field.tif").write_bytes(six_samples())
    for model in (looking_at(0, 6), looking_at(0, 3)):
        with pytest.raises(NotAnImage, match=r"xai-heatmap\[tiff\].*np\.save\('picture\.npy'"):
            xh.explain(model, tmp_path / "field.tif", preprocess="unit", **ASK)
