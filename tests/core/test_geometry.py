import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.geometry import Geometry, cropped, letterboxed, stretched

side = st.integers(1, 4000)
size = st.tuples(side, side)
input_side = st.integers(1, 512)
input_size = st.tuples(input_side, input_side)
geometries = st.one_of(
    st.builds(stretched, size, input_size),
    st.builds(
        lambda image, input_, ratio: cropped(image, input_, ratio=ratio),
        size,
        input_size,
        st.floats(0.05, 1),
    ),
    st.builds(letterboxed, size, input_size),
)
point = st.floats(-1e4, 1e4)


def test_crop_is_resize_256_crop_224():
    geometry = cropped((500, 335), (224, 224))
    assert geometry.resized == (382, 256)
    assert geometry.offset == (79, 16)
    left, top, right, bottom = geometry.box
    assert (left, right) == pytest.approx((16 * 335 / 256, 240 * 335 / 256))
    assert (top, bottom) == pytest.approx((79 * 500 / 382, 303 * 500 / 382))


def test_crop_ratio_is_obeyed():
    assert cropped((100, 100), (50, 50), ratio=1.0).box == (0.0, 0.0, 100.0, 100.0)
    assert cropped((100, 100), (50, 50), ratio=0.5).box == (25.0, 25.0, 75.0, 75.0)
    assert cropped((232, 232), (224, 224), ratio=224 / 232).resized == (232, 232)


def test_crop_of_an_oblong_input_covers_it():
    geometry = cropped((100, 100), (50, 100), ratio=1.0)
    assert geometry.resized == (100, 100)
    assert geometry.box == (0.0, 25.0, 100.0, 75.0)


def test_letterbox_is_centred_and_reaches_beyond_the_image():
    geometry = letterboxed((1080, 1920), (640, 640))
    assert geometry.resized == (360, 640)
    assert geometry.offset == (-140, 0)
    assert geometry.box == (0.0, -420.0, 1920.0, 1500.0)
    assert geometry.seen == (0, 0, 1920, 1080)


def test_stretch_has_two_scales():
    geometry = stretched((100, 400), (50, 50))
    assert geometry.scale == (0.5, 0.125)
    assert geometry.offset == (0, 0)


def test_rows_come_first_in_sizes_and_columns_first_in_points():
    geometry = stretched((10, 20), (100, 400))
    assert geometry.to_input(20.0, 0.0) == (400, 0)
    assert geometry.to_input(0.0, 10.0) == (0, 100)


def test_seen_counts_pixels_by_their_centres():
    geometry = Geometry(image_size=(4, 6), box=(0.5, -1.0, 3.4, 2.6), input_size=(2, 2))
    assert geometry.seen == (0, 0, 3, 3)
    geometry = Geometry(image_size=(4, 6), box=(0.6, 0.0, 3.6, 9.0), input_size=(2, 2))
    assert geometry.seen == (1, 0, 4, 4)


@given(geometries, point, point)
def test_there_and_back_again(geometry, x, y):
    scale = max(1.0, *geometry.scale, *(1 / s for s in geometry.scale))
    near = pytest.approx((x, y), rel=1e-9, abs=1e-6 * scale)
    assert geometry.to_image(*geometry.to_input(x, y)) == near
    assert geometry.to_input(*geometry.to_image(x, y)) == near


@given(geometries)
def test_corners_of_the_box_are_corners_of_the_input(geometry):
    left, top, right, bottom = geometry.box
    rows, columns = geometry.input_size
    assert geometry.to_input(left, top) == pytest.approx((0, 0))
    assert geometry.to_input(right, bottom) == pytest.approx((columns, rows))


@given(geometries)
def test_plain_form_survives_json(geometry):
    assert Geometry.from_dict(json.loads(json.dumps(geometry.to_dict()))) == geometry


@given(size, input_size, st.floats(0.05, 1))
def test_a_crop_lies_inside_the_image_and_in_its_middle(image, input_, ratio):
    geometry = cropped(image, input_, ratio=ratio)
    left, top, right, bottom = geometry.box
    rows, columns = geometry.resized
    assert left >= 0
    assert top >= 0
    assert right <= image[1] * (1 + 1e-9)
    assert bottom <= image[0] * (1 + 1e-9)
    assert rows >= input_[0]
    assert columns >= input_[1]
    assert (left + right) / 2 == pytest.approx(image[1] / 2, abs=0.51 * image[1] / columns)
    assert (top + bottom) / 2 == pytest.approx(image[0] / 2, abs=0.51 * image[0] / rows)


@given(size, input_size)
def test_a_letterbox_shows_the_whole_image(image, input_):
    geometry = letterboxed(image, input_)
    assert geometry.seen == (0, 0, image[1], image[0])
    top, left = geometry.offset
    assert top <= 0
    assert left <= 0
    rows, columns = geometry.resized
    assert rows == input_[0] or columns == input_[1]


@pytest.mark.parametrize("ratio", [0.0, -0.1, 1.01, float("nan")])
def test_a_ratio_out_of_range_says_the_range(ratio):
    with pytest.raises(BadOption, match=r"\(0, 1\].*received"):
        cropped((10, 10), (4, 4), ratio=ratio)


@pytest.mark.parametrize(
    "box",
    [(0.0, 0.0, 0.0, 1.0), (0.0, 2.0, 1.0, 1.0), (0.0, 0.0, float("inf"), 1.0)],
)
def test_an_empty_or_endless_box_is_refused(box):
    with pytest.raises(BadOption, match="left < right"):
        Geometry(image_size=(4, 4), box=box, input_size=(2, 2))


def test_a_size_of_nothing_is_refused():
    with pytest.raises(BadOption, match="at least one pixel"):
        Geometry(image_size=(0, 4), box=(0.0, 0.0, 1.0, 1.0), input_size=(2, 2))
    with pytest.raises(BadOption, match="at least one pixel"):
        Geometry(image_size=(4, 4), box=(0.0, 0.0, 1.0, 1.0), input_size=(2, 0))


def test_another_size_of_the_image_shows_the_same_rectangle():
    whole = cropped((300, 500), (224, 224))
    half = whole.at((150, 250))
    assert half.image_size == (150, 250)
    assert half.input_size == whole.input_size
    assert half.box == tuple(edge / 2 for edge in whole.box)
    for x, y in ((0.0, 0.0), (120.0, 80.0)):
        assert half.to_input(x / 2, y / 2) == pytest.approx(whole.to_input(x, y))
    assert half.at((300, 500)) == whole
