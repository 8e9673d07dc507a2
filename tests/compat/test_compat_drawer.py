import threading
import time

import numpy as np
import pytest
from small_networks import picture, torch_network

from xai_heatmap import Prediction
from xai_heatmap.compat import Drawer, Tiles, XVisTool
from xai_heatmap.compat.canvas import readable
from xai_heatmap.core.errors import BadOption


def result(heatmap=None, tiles=(), predictions=()):
    heatmap = np.zeros((30, 40, 3), np.uint8) if heatmap is None else heatmap
    return {"heatmap": heatmap, "activations": list(tiles), "predictions": predictions}


def colored(shape, blue_green_red):
    return np.full((*shape, 3), blue_green_red, np.uint8)


def extent(canvas, color):
    """Rows and columns that a colour covers, and where they begin."""
    rows, columns = np.nonzero((canvas == np.array(color, np.uint8)).all(axis=-1))
    return np.ptp(rows) + 1, np.ptp(columns) + 1, rows.min(), columns.min()


def test_a_new_canvas_is_empty_and_resetting_empties_it():
    drawer = Drawer()
    empty = drawer.mask
    assert empty.shape == (800, 1200, 3)
    assert empty.dtype == np.uint8
    drawer.singleThread(result(colored((30, 40), (0, 0, 255))))
    assert (drawer.mask != empty).any()
    drawer.resetMask()
    np.testing.assert_array_equal(drawer.mask, empty)


def test_drawing_gives_the_canvas_and_keeps_it():
    drawer = Drawer((400, 600))
    canvas = drawer.singleThread(result(colored((30, 40), (0, 0, 255))))
    np.testing.assert_array_equal(canvas, drawer.mask)
    canvas[:] = 7
    assert (drawer.mask != 7).any()
    drawer.mask[:] = 9
    assert (drawer.mask != 9).any()


@pytest.mark.parametrize("shape", [(480, 640), (640, 480), (100, 1000), (1000, 30)])
def test_pictures_keep_their_aspect(shape):
    canvas = Drawer().singleThread(result(colored(shape, (0, 0, 255))), colored(shape, (255, 0, 0)))
    for color in ((0, 0, 255), (255, 0, 0)):
        rows, columns, _, _ = extent(canvas, color)
        assert abs(rows - columns * shape[0] / shape[1]) <= 1.5 + shape[0] / shape[1]


def test_the_picture_stands_above_its_heatmap_and_left_of_the_filters():
    tiles = [colored((7, 7), (0, 255, 0))]
    canvas = Drawer().singleThread(
        result(colored((30, 40), (0, 0, 255)), tiles), colored((30, 40), (255, 0, 0))
    )
    heat_rows, _, heat_top, _ = extent(canvas, (0, 0, 255))
    rows, columns, top, left = extent(canvas, (255, 0, 0))
    _, _, _, tile_left = extent(canvas, (0, 255, 0))
    assert top + rows <= heat_top
    assert heat_rows == rows
    assert left + columns <= tile_left


def test_a_page_holds_a_hundred_filters_and_the_next_one_the_rest():
    tiles = [colored((5, 5), (0, 255, 0))] * 100 + [colored((5, 5), (255, 255, 0))] * 7
    first, second = (
        Drawer().singleThread(result(tiles=tiles)),
        Drawer(page=1).singleThread(result(tiles=tiles)),
    )
    assert (first == (0, 255, 0)).all(axis=-1).any()
    assert not (first == (255, 255, 0)).all(axis=-1).any()
    assert not (second == (0, 255, 0)).all(axis=-1).any()
    assert (second == (255, 255, 0)).all(axis=-1).any()


def test_dead_filters_are_crossed_out():
    black = [colored((5, 5), (0, 0, 0))] * 2
    alive = result(tiles=Tiles(black, channels=[4, 9], dead=frozenset()))
    alive["activations"] = Tiles(black, channels=[4, 9], dead=frozenset())
    one_dead = dict(alive, activations=Tiles(black, channels=[4, 9], dead=frozenset({9})))
    differs = (Drawer().singleThread(alive) != Drawer().singleThread(one_dead)).any(axis=-1)
    above_the_caption = differs[:750]
    assert above_the_caption[:, 400:].any()
    assert not above_the_caption[:, :780].any()


@pytest.mark.parametrize(
    ("predictions", "lines"),
    [
        ([Prediction(1, "goldfish", 0.9, 12.0)], [("goldfish", 0.9)]),
        ([[("n1", "goldfish", 0.9), ("n2", "zebra", 0.1)]], [("goldfish", 0.9), ("zebra", 0.1)]),
        ([("goldfish", np.float32(0.5))], [("goldfish", 0.5)]),
        ({"cat": 0.7}, [("cat", 0.7)]),
        ("a cat", [("a cat", None)]),
        (["a cat", "a dog"], [("a cat", None), ("a dog", None)]),
        (3, [("3", None)]),
        (np.array([[0.25, 0.75]]), [("class 1", 0.75), ("class 0", 0.25)]),
        (np.array([[0.5]], np.float32), [("class 0", 0.5)]),
        ([], []),
    ],
)
def test_predictions_are_read_whatever_the_decoder_made(predictions, lines):
    assert readable(predictions) == lines
    Drawer((200, 300)).singleThread(result(predictions=predictions))


@pytest.mark.parametrize("size", [(100, 100), (300, 2000), (2000, 300)])
def test_canvases_of_other_sizes(size):
    tiles = [colored((5, 9), (0, 255, 0))] * 120
    drawn = Drawer(size).singleThread(
        result(tiles=tiles, predictions={"a": 0.5}), colored((30, 40), (1, 2, 3))
    )
    assert drawn.shape == (*size, 3)


@pytest.mark.parametrize("size", [(99, 500), (500, 10)])
def test_a_canvas_too_small_to_read_is_refused(size):
    with pytest.raises(BadOption):
        Drawer(size)


def test_no_thread_ever_sees_a_canvas_half_drawn():
    drawer = Drawer((120, 180))
    frames = [result(colored((9, 12), (0, 0, 250))), result(colored((9, 12), (250, 0, 0)))]
    whole = {Drawer((120, 180)).singleThread(frame).tobytes() for frame in frames}
    whole.add(drawer.mask.tobytes())
    threads = [
        threading.Thread(target=lambda f=f: [drawer.singleThread(f) for _ in range(30)])
        for f in frames
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert drawer.mask.tobytes() in whole
    for thread in threads:
        thread.join()


def assert_threads_end(before):
    """Those that are new end on their own; how soon, a busy machine decides."""
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=600)
        assert not thread.is_alive()


def by_brightness(frame):
    return result(frame)


def test_the_last_frame_is_always_drawn_and_slow_drawing_skips_frames():
    frames = [colored((9, 12), (n, n, n)) for n in range(60)]
    seen, fetched = [], []

    def camera():
        for frame in frames:
            fetched.append(frame)
            yield frame

    def slow(frame):
        seen.append(int(frame[0, 0, 0]))
        while len(fetched) < min(60, seen[-1] + 3):  # two further frames came in the meantime
            time.sleep(0.001)
        return result(frame)

    drawer = Drawer((120, 180))
    canvas = drawer.multiThread(slow, camera())
    assert seen[-1] == 59
    assert seen == sorted(set(seen))
    assert len(seen) < 60
    np.testing.assert_array_equal(
        canvas, Drawer((120, 180)).singleThread(result(frames[-1]), frames[-1])
    )
    np.testing.assert_array_equal(canvas, drawer.mask)


def endless(fetched):
    while True:
        fetched.append(1)
        yield colored((9, 12), (5, 5, 5))
        time.sleep(0.001)


def test_show_gets_every_canvas_and_ends_it():
    shown, fetched = [], []

    def show(canvas):
        shown.append(canvas)
        return len(shown) < 3

    threads = set(threading.enumerate())
    Drawer((120, 180)).multiThread(by_brightness, endless(fetched), show)
    assert len(shown) == 3
    assert_threads_end(threads)


def test_a_show_that_answers_nothing_goes_on_to_the_end():
    shown = []
    Drawer((120, 180)).multiThread(by_brightness, [colored((9, 12), (5, 5, 5))], shown.append)
    assert len(shown) == 1


def test_a_camera_that_fails_ends_it_without_a_crash():
    drawn = []

    def run(frame):
        drawn.append(frame)
        return result(frame)

    drawer = Drawer((120, 180))
    drawer.multiThread(run, [colored((9, 12), (5, 5, 5)), None])
    assert len(drawn) == 1
    empty = Drawer((120, 180))
    np.testing.assert_array_equal(empty.multiThread(run, [None]), empty.mask)


def test_an_error_while_fetching_is_raised_where_it_is_drawn():
    def broken():
        yield colored((9, 12), (5, 5, 5))
        raise OSError("the cable is out")

    with pytest.raises(OSError, match="the cable is out"):
        Drawer((120, 180)).multiThread(by_brightness, broken())


def test_an_error_while_running_stops_fetching():
    fetched = []

    def run(frame):
        raise ValueError("no")

    threads = set(threading.enumerate())
    with pytest.raises(ValueError, match="no"):
        Drawer((120, 180)).multiThread(run, endless(fetched))
    assert_threads_end(threads)


def test_a_tool_runs_on_frames_to_the_canvas():
    tool = XVisTool(torch_network(), (24, 32), None, lambda x: x / 255, labels=list("abcde"))
    drawer = Drawer((400, 600))
    canvas = drawer.multiThread(lambda frame: tool.vidCapRun(frame, -1), [picture()])
    drawer.resetMask()
    alone = drawer.singleThread(tool.vidCapRun(picture(), -1), picture())
    np.testing.assert_array_equal(canvas, alone)
