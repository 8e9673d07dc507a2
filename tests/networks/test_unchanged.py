"""What a block may do to attributes and random states, and what is seen of it after it."""

# ruff: noqa: NPY002, S311 - what users' models draw from

import random

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.networks.opening import unchanged as before_and_after
from xai_heatmap.networks.opening.taps import beneath, intercepted
from xai_heatmap.networks.opening.unchanged import random_states, unchanged


class Thing:
    def __init__(self) -> None:
        self.count, self.chance = 0, np.random.default_rng(1)
        self.old, self.own = np.random.RandomState(2), random.Random(3)

    def act(self) -> str:
        return "acted"


def test_random_states_of_the_process_come_back_even_after_an_exception():
    own, legacy = random.getstate(), np.random.get_state()

    def fail() -> None:
        with random_states():
            raise KeyError(random.random() + np.random.normal())

    with pytest.raises(KeyError):
        fail()
    assert random.getstate() == own
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), legacy, strict=True))


def test_what_moved_is_said():
    with random_states() as moved:
        np.random.random()
    assert moved == ["numpy.random"]
    with random_states() as moved:
        pass
    assert not moved


def test_attributes_are_what_they_were_and_what_draws_has_its_state_back():
    thing = Thing()
    before = dict(vars(thing))
    first = [thing.chance.random(), thing.old.random(), thing.own.random()]
    thing = Thing()
    before = dict(vars(thing))
    with unchanged([thing]) as moved:
        thing.count += 1
        thing.more = 1
        del thing.old
        before["old"].random(), thing.own.random(), thing.chance.random()
    assert vars(thing) == before
    assert len(moved) == 4
    assert [thing.chance.random(), thing.old.random(), thing.own.random()] == first


def test_attributes_apart_stay_and_a_thing_that_became_another_is_left_alone():
    thing = Thing()
    with unchanged([thing], apart=frozenset({"count"})):
        thing.count = 5
    assert thing.count == 5
    with unchanged([thing]):
        thing.__class__ = type("Other", (Thing,), {})
        thing.more = 1
    assert thing.more == 1


def test_blocks_that_cross_each_other_give_back_what_was_there():
    thing = Thing()
    one = intercepted([thing], "act", lambda _, run: lambda: run() + " one")
    two = intercepted([thing], "act", lambda _, run: lambda: run() + " two")
    with one:
        two.__enter__()
        assert thing.act() == "acted one two"
        assert beneath(thing, "act") is None
    assert thing.act() == "acted one two"
    two.__exit__(None, None, None)
    assert thing.act() == "acted"
    assert "act" not in vars(thing)


def test_a_function_that_draws_leaves_the_state_of_the_process():
    """What a library draws while it is imported, as JAX does, is not the function's."""

    def noisy(x):
        return x.mean((2, 3)) + 0 * np.random.normal(size=(len(x), 1))

    network = xh.network(noisy, image_shape=(3, 8, 8))
    x = np.random.default_rng(0).random((1, 3, 8, 8), np.float32)
    xh.maps(network, x, method="occlusion", target=1)
    _, keys, place, *rest = np.random.get_state()
    assert xh.maps(network, x, method="occlusion", target=1).any()
    _, keys_now, place_now, *rest_now = np.random.get_state()
    assert keys_now.tolist() == keys.tolist()
    assert [place_now, *rest_now] == [place, *rest]


def test_of_things_that_stayed_empty_no_entries_are_compared(monkeypatch):
    """The hooks of every module of a model are such, in each of its first passes."""
    compared = []
    real = before_and_after._ids
    monkeypatch.setattr(
        before_and_after, "_ids", lambda held: (compared.append(held), real(held))[1]
    )
    thing, full = Thing(), Thing()
    thing.hooks, thing.log, thing.seen = {}, [], set()
    full.log, full.gone, full.new = [1], [2], []
    with unchanged([thing, full]) as moved:
        full.gone.clear()
        full.new.append(3)
    assert (full.log, full.gone, full.new) == ([1], [2], [])
    assert [own for own in moved if own is full.gone or own is full.new] == [full.gone, full.new]
    assert sum(isinstance(own, list) and len(own) < 2 for own in compared) == 4


def test_arrays_that_are_written_in_place_get_their_numbers_back():
    thing = Thing()
    thing.seen, thing.names = np.array([1.0, np.nan]), np.array(["a", None], object)
    thing.fixed = np.ones(2)
    thing.fixed.flags.writeable = False
    own = thing.seen
    with unchanged([thing]) as moved:
        thing.seen += 3
        thing.names[0] = "b"
    assert thing.seen is own
    assert np.array_equal(thing.seen, [1, np.nan], equal_nan=True)
    assert list(thing.names) == ["a", None]
    assert len(moved) == 2
    with unchanged([thing]) as moved:
        pass
    assert not moved
