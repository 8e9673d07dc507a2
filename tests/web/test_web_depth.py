"""A page's picture of 12 bits reaches the network as from Python, and is drawn as bright."""

import io

import numpy as np
import PIL.Image
import pytest

import xai_heatmap as xh
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.runners.looking.look import prepared
from xai_heatmap.runners.looking.model import Model
from xai_heatmap.runners.looking.pictures import Picture, Pictures

TWELVE = (np.arange(256, dtype=np.uint16) * 16).reshape(16, 16) // 7 * 7


def file(values):
    written = io.BytesIO()
    PIL.Image.fromarray(values).save(written, "PNG")
    return written.getvalue()


def model(**how):
    network = xh.network(lambda x: x[:, 0, 0, :2], image_shape=(1, 16, 16))
    return Model("own", "own", network, "unit", **how)


@pytest.mark.parametrize("white", [4095.0, None])
def test_every_bit_and_what_is_white(white):
    own = model(white=white)
    picture = Pictures(white=white).put(file(TWELVE), "ct.png")
    found = prepared(own, picture)
    np.testing.assert_array_equal(found.x, prepare(TWELVE, "unit", own.opened, white=white).x)
    np.testing.assert_allclose(found.x[0], TWELVE / (white or 65535), atol=1e-6)
    np.testing.assert_array_equal(found.image, picture.image)
    assert found.name == "ct.png"


def test_a_sample_of_eight_bits_is_as_bright_as_it_was():
    sample = Picture("a", "a.png", image=np.full((16, 16, 3), 200, np.uint8))
    assert prepared(model(white=4095.0), sample).x.max() == pytest.approx(200 / 255)


def test_what_is_kept_is_counted_with_its_bits():
    pictures = Pictures(held=16 * 16 * 3 + 16 * 16 * 4)
    first, second = (pictures.put(file(values), "a") for values in (TWELVE, TWELVE // 2))
    assert first.values.nbytes == 16 * 16 * 4
    with pytest.raises(xh.XaiHeatmapError, match="not kept"):
        pictures.get(first.key)
    assert pictures.get(second.key) is second
