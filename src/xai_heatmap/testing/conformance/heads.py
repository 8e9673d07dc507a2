"""Checks of heads (what lies behind a layer, run on its own), and of heads that cannot be."""

import warnings

import numpy as np
import pytest

from xai_heatmap.core.errors import (
    NoHead,
)
from xai_heatmap.testing.conformance.kit import (
    Kit,
    checks_of,
    images,
    network,
)


def head_that_cannot_stand_alone_makes_whole_passes_and_says_so(kit: Kit) -> None:
    """A head that needs more than its layer is replayed by whole passes, with one warning."""
    case = kit.folding()
    x = images()
    opened = network(case.model)
    recording = opened.record(x, [case.layer])
    others = np.random.default_rng(2).normal(size=(3, *recording.activations[case.layer].shape[1:]))
    others = others.astype(np.float32)
    with pytest.warns(UserWarning, match="can't be run on its own"):
        scores = recording.replay(case.layer, others, row=1).scores
    np.testing.assert_allclose(scores, case.head(others), atol=1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened.record(x, [case.layer]).replay(case.layer, others, row=0)


def head_that_draws_at_random_is_refused_with_what_works(kit: Kit) -> None:
    """A replay through a random operation is refused; the layers behind it are named."""
    recording = network(kit.drawing()).record(images(1), ["conv", "last"])
    for name in ("conv", "input"):
        own = recording.activations.get(name, images(1))
        for _ in range(2):
            with pytest.raises(NoHead, match=r"draws at random.*gradcam.*behind layer 'last' can"):
                recording.replay(name, own, row=0)
    last = recording.activations["last"]
    np.testing.assert_allclose(
        recording.replay("last", last, row=0).scores, recording.scores, atol=1e-5
    )


def head_that_looks_at_a_whole_batch_is_given_one_at_a_time(kit: Kit) -> None:
    """A head whose images change each other is given one image at a time."""
    opened = network(kit.mixing())
    recording = opened.record(images(1), ["conv"])
    own = recording.activations["conv"]
    other = own * np.float32(0.5)
    with pytest.warns(UserWarning, match="one at a time"):
        both = recording.replay("conv", np.concatenate([own, other]), row=0).scores
    np.testing.assert_allclose(both[:1], recording.scores, atol=1e-4)
    alone = recording.replay("conv", other, row=0).scores
    np.testing.assert_allclose(both[1:], alone, atol=1e-5)


def head_of_an_image_that_others_changed_is_refused(kit: Kit) -> None:
    """A replay of an image whose scores depend on the others of its batch is refused."""
    opened = network(kit.mixing())
    alone = opened.record(images(1), ["conv"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone.replay("conv", alone.activations["conv"], row=0)
    recording = opened.record(images(2), ["conv"])
    with pytest.raises(NoHead, match=r"change each other's scores.*one picture at a time"):
        recording.replay("conv", recording.activations["conv"][:1], row=0)


CHECKS = checks_of(globals())
