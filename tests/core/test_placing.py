"""Where the cells of a layer lie, by a walk through every window, and by hand."""

from itertools import product

import numpy as np
import pytest

from xai_heatmap.core.layers.placing import (
    Along,
    Placing,
    Window,
    changed,
    padded,
    resized,
    sliced,
    transposed,
    window,
)


def one_axis(length: int, own: Along | None, after: int) -> tuple[float, float] | None:
    """Extent behind one operation on the columns; rows stay as they are."""
    before = (2, 3, 10, length)
    windows = {1: [Window(before, (2, 3, 10, after), {3: own})]}
    extent, known = Placing({1: [0]}, 0, (10, length), windows).extent(1, (10, after))
    assert known == (own is not None)
    return extent and extent[1]


@pytest.mark.parametrize(
    ("size", "stride", "front", "behind", "dilation"),
    [(3, 1, 0, 0, 1), (3, 1, 3, 3, 1), (5, 1, 0, 4, 1), (3, 1, 0, 0, 2), (2, 2, 0, 0, 1),
     (4, 4, 2, 2, 1), (3, 3, 1, 0, 1)],
)  # fmt: skip
def test_a_window_as_long_as_its_stride_lies_over_what_it_reads(
    size: int, stride: int, front: int, behind: int, dilation: int
) -> None:
    """Oracle: the middle of the places that each output place reads, one by one."""
    length, whole = 24, dilation * (size - 1) + 1
    starts = range(-front, length + behind - whole + 1, stride)
    middles = [np.mean([at + dilation * n + 0.5 for n in range(size)]) for at in starts]
    own = window(size, stride, front, dilation=dilation)
    found = one_axis(length, own, len(starts)) or (0.0, float(length))
    step = (found[1] - found[0]) / len(starts)
    np.testing.assert_allclose(found[0] + step * (np.arange(len(starts)) + 0.5), middles)


@pytest.mark.parametrize(("size", "stride", "cut"), [(2, 2, 0), (4, 2, 0), (4, 2, 1), (3, 3, 0)])
def test_a_transposed_convolution_lies_over_what_it_is_made_of(
    size: int, stride: int, cut: int
) -> None:
    """Oracle: the middle of what every input place writes to is that place's own middle."""
    length = 12
    after = (length - 1) * stride + size - 2 * cut
    start, stop = one_axis(length, transposed(size, stride, cut), after) or (0.0, float(length))
    step = (stop - start) / after
    assert step == pytest.approx(1 / stride)
    for place in (3, 7):
        written = [place * stride - cut + n for n in range(size)]
        middle = np.mean([start + step * (at + 0.5) for at in written])
        assert middle == pytest.approx(place + 0.5)


@pytest.mark.parametrize("length", [16, 17, 224, 225])
@pytest.mark.parametrize(("size", "stride"), [(3, 2), (7, 2), (11, 4), (1, 2)])
def test_cells_lie_around_the_middle_as_far_as_their_window_reaches(
    length: int, size: int, stride: int
) -> None:
    for front, behind in product((0, size // 2), repeat=2):
        after = (length + front + behind - size) // stride + 1
        found = one_axis(length, window(size, stride, front), after) or (0.0, float(length))
        assert found[1] - found[0] == pytest.approx(stride * after)
        off = (found[0] + found[1] - length) / 2
        reached = sorted((-front - found[0], -front + size - stride - found[0]))
        assert reached[0] - 1e-9 <= 0 <= reached[1] + 1e-9, "inside of its window"
        if abs(off) > 1e-9:
            assert min(map(abs, reached)) < 1e-9, "at its end, where the middle is out of reach"


def test_padding_slices_and_resizing() -> None:
    assert one_axis(14, padded(0), 15) == (0.0, 15.0)
    assert one_axis(14, padded(3), 17) == (-3.0, 14.0)
    assert one_axis(14, padded(-2), 12) == (2.0, 14.0)
    assert one_axis(14, sliced(4, 1), 6) == (4.0, 10.0)
    assert one_axis(14, sliced(1, 2), 7) is None, "patches that are merged lie where they lay"
    assert one_axis(14, resized(14, 29), 29) is None
    assert one_axis(5, resized(5, 9, corners=True), 9) == (0.25, 4.75)
    assert one_axis(14, None, 13) is None


def test_what_only_shapes_are_known_of() -> None:
    assert changed((2, 3, 14, 14), (2, 3, 14, 14)) == []
    (halved,) = changed((2, 3, 14, 14), (2, 3, 7, 14))
    assert halved.along == {2: Along(0.0, 0.0, 2.0)}
    (lost,) = changed((2, 3, 14, 14), (2, 3, 9, 14))
    assert lost.along == {2: None}


def test_channels_may_stand_last_and_rows_may_be_repeated() -> None:
    last = Window((2, 20, 20, 3), (2, 18, 20, 3), {1: window(3, 1, 0)})
    behind = {1: [last]}
    assert Placing({1: [0]}, 0, (20, 20), behind).extent(1, (18, 20)) == (
        ((1.0, 19.0), (0.0, 20.0)),
        True,
    )
    assert Placing({1: [0]}, 0, (10, 10), behind).extent(1, (18, 20)) == (
        ((0.5, 9.5), (0.0, 10.0)),
        True,
    )
    assert Placing({1: [0]}, 0, (11, 10), behind).extent(1, (18, 20)) == (None, False)


def test_paths_that_meet() -> None:
    """A sum of two paths lies between both; of paths with different steps nothing is known."""
    before, after = (2, 3, 20, 20), (2, 3, 18, 20)
    valid = [Window(before, after, {2: window(3, 1, 0)})]
    late = [Window(before, after, {2: sliced(2, 1)})]
    flow = {1: [0], 2: [0], 3: [1, 2], 4: [3]}
    placing = Placing(flow, 0, (20, 20), {1: valid, 2: late})
    assert placing.extent(4, (18, 20)) == (((1.5, 19.5), (0.0, 20.0)), True)
    wide = [Window(before, after, {2: resized(20, 18)})]
    assert Placing(flow, 0, (20, 20), {1: valid, 2: wide}).extent(4, (18, 20)) == (None, False)
    assert Placing({1: [0], 3: [1, 9]}, 0, (20, 20), {1: valid}).extent(3, (18, 20))[1]
    assert placing.extent(4, (17, 20)) == (None, False), "a grid that no window explains"
    assert placing.extent(9, (5, 5)) == (None, True), "of nothing of the picture"
