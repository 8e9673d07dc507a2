"""Checks of backends that run a user's Python: the user's model stays the user's.

A kit brings models that look around in the middle of a pass, when everything is patched that ever
is, and models that write into themselves.
"""

import contextlib
import threading
import warnings
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np

from xai_heatmap.core.errors import NoHead
from xai_heatmap.testing.conformance.kit import checks_of, images, maps, network, random_state
from xai_heatmap.testing.short_options import SHORT

METHODS = ("gradcam", "hirescam", "ablationcam", "rise", "occlusion", "saliency")


@runtime_checkable
class Unchanged(Protocol):
    """Models that look and models that write, and how their users call them."""

    def looking(self, look: Callable[[], None]) -> Any:
        """A network of SHAPE that ends in a closing softmax and calls `look` in the middle."""

    def answer(self, model: Any, x: np.ndarray) -> Any:
        """Answer of the model's own call, as in a server."""

    def writing(self) -> Any:
        """Models that write into themselves while they infer, by what they write."""

    def state(self, model: Any) -> object:
        """State that such a model could have written, to be compared by ==."""


def another_thread_is_answered_rightly_in_the_middle_of_a_pass(kit: Unchanged) -> None:
    """Another thread that calls the model during a pass gets its own answer."""
    x, own = images(3, seed=5), images(1)
    explaining, answers = threading.get_ident(), list[np.ndarray]()

    def look() -> None:
        if threading.get_ident() == explaining and watching:
            server = threading.Thread(target=lambda: answers.append(kit.answer(model, x)))
            server.start()
            server.join()

    watching = False
    model = kit.looking(look)
    right = kit.answer(model, x)
    alone = {name: explained(model, own, name) for name in METHODS}
    watching = True
    model_seen_first = kit.looking(look)
    for name in METHODS:
        np.testing.assert_allclose(explained(model, own, name), alone[name], atol=1e-6)
    explained(model_seen_first, own, "gradcam")
    assert answers, "nobody was served meanwhile"
    for answer in answers:
        np.testing.assert_allclose(answer, right, atol=1e-6)


def two_threads_serve_while_a_third_explains(kit: Unchanged) -> None:
    """Two threads get the model's own answers while a third explains, 200 times."""
    model = kit.looking(lambda: None)
    x, own, stop = images(2, seed=5), images(1), threading.Event()
    right, wrong, calls = kit.answer(model, x), list[str](), [0]
    alone = {name: explained(model, own, name) for name in ("gradcam", "ablationcam")}

    def serve() -> None:
        while not stop.is_set():
            try:
                same = np.allclose(kit.answer(model, x), right, atol=1e-5)
                wrong.extend([] if same else ["another answer"])
            except BaseException as problem:  # noqa: BLE001 - whatever a server would see
                wrong.append(repr(problem))
            calls[0] += 1

    servers = [threading.Thread(target=serve) for _ in range(2)]
    for server in servers:
        server.start()
    try:
        for number in range(200):
            name = ("gradcam", "ablationcam")[number % 2]
            same = np.allclose(explained(model, own, name), alone[name], atol=1e-5)
            wrong.extend([] if same else [f"another map of {name}"])
    finally:
        stop.set()
        for server in servers:
            server.join()
    assert not wrong
    assert calls[0] > 0


def what_a_model_writes_is_put_back(kit: Unchanged) -> None:
    """Values that a model writes into its own state while inferring are put back."""
    for what, model in kit.writing().items():
        kit.answer(model, images(2, seed=3))  # as its user has left it
        before = kit.state(model)
        for name in METHODS:
            with warnings.catch_warnings(), contextlib.suppress(NoHead):
                warnings.simplefilter("ignore")  # some can't stand alone, and say so
                explained(model, images(1), name)
            assert kit.state(model) == before, (what, name)


def random_states_are_given_back(kit: Unchanged) -> None:
    """NumPy's global random state is what it was, even where the model draws from it."""

    def draw() -> None:
        np.random.random()  # noqa: NPY002 - what users' models do; the type checker of these tests
        # draws from Python's `random` itself, so that one is looked at where the block is

    model = kit.looking(draw)
    np.random.seed(1)  # noqa: NPY002
    wanted = random_state()
    for name in METHODS:
        explained(model, images(1), name)
    assert random_state() == wanted


def explained(model: Any, x: np.ndarray, method: str) -> np.ndarray:
    """The map of class 1 by a method."""
    opened = network(model)
    layer = "auto" if method in ("rise", "occlusion", "saliency") else "conv"
    x = np.moveaxis(x, 1, -1) if opened.channels_last else x
    return maps(opened, x, target=1, layer=layer, method=method, options=SHORT.get(method, {}))


CHECKS = checks_of(globals())
