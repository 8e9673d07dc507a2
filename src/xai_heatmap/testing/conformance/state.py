"""Checks of state after explaining: a model's modes, weights, random state, and number of runs."""

import numpy as np
import pytest

from xai_heatmap.testing.conformance.kit import (
    CLASSES,
    Kit,
    checks_of,
    images,
    network,
    opens_rightly,
    random_state,
)


def training_mode_is_put_aside_and_given_back(kit: Kit) -> None:
    """A model in training is explained as in inference, and is in training afterwards."""
    case = kit.dropout()
    opens_rightly(case)
    before = kit.snapshot(case.model)
    opened = network(case.model)
    first, second = (opened.record(images(), [case.layer]) for _ in range(2))
    np.testing.assert_array_equal(first.scores, second.scores)
    assert kit.snapshot(case.model) == before


def frozen_weights_do_not_matter(kit: Kit) -> None:
    """Weights that ask for no gradient do not matter."""
    opens_rightly(kit.frozen())


def exception_in_the_middle_leaves_nothing_behind(kit: Kit) -> None:
    """An exception in the model's own code leaves the model as it was."""
    model, layer, fail = kit.failing()
    opened = network(model)
    opened.record(images(), [layer])
    before = kit.snapshot(model)
    fail()
    with pytest.raises(ZeroDivisionError):
        opened.record(images(n=3, seed=5), [layer])
    assert kit.snapshot(model) == before


def nothing_of_the_model_is_changed(kit: Kit) -> None:
    """Recording, pulling back and replaying change nothing of the model, nor the random state."""
    case = kit.plain()
    before = kit.snapshot(case.model)
    state = random_state()
    recording = network(case.model).record(images(), [case.layer])
    recording.pullback(np.ones((2, CLASSES), np.float32))
    recording.replay(case.layer, recording.activations[case.layer][:1], row=0)
    assert kit.snapshot(case.model) == before
    assert random_state() == state


def one_forward_pass_records(kit: Kit) -> None:
    """A recording and two pullbacks take one forward pass."""
    case = kit.plain()
    opened = network(case.model)
    x = images()
    opened.record(x, [case.layer])  # what is learnt or compiled at first is not counted
    with kit.passes(case.model) as passes:
        recording = opened.record(x, [case.layer])
        recording.pullback(np.ones((2, CLASSES), np.float32))
        recording.pullback(np.ones((2, CLASSES), np.float32))
    assert passes() <= 1


def weights_changed_by_their_owner_are_seen(kit: Kit) -> None:
    """Weights that are changed after opening are seen."""
    case = kit.plain()
    opened, x = network(case.model), images()
    before = opened.record(x, [case.layer]).scores
    kit.nudge(case.model)
    after = opened.record(x, [case.layer]).scores
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, case.head(case.trunk(x)), atol=1e-4)


CHECKS = checks_of(globals())
