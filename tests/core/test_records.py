"""Dataclasses that are written when first used are those of the standard library."""

import copy
import dataclasses
import inspect
import subprocess
import sys
import threading
from dataclasses import field
from typing import Any

import pytest

from xai_heatmap.core import records


def classes(dataclass: Any) -> tuple[Any, ...]:
    """Classes with everything that a field may say, made by `dataclass`."""

    @dataclass(frozen=True)
    class Frozen:
        """Words of its own."""

        a: int
        b: list[int] = field(default_factory=list[int])
        c: str = "x"
        k: int = field(default=3, kw_only=True)
        n: int = field(init=False, default=4)
        m: dict[str, int] = field(init=False, default_factory=dict[str, int])

        def __post_init__(self) -> None:
            object.__setattr__(self, "n", self.a + 1)

    @dataclass
    class Plain:
        x: int
        y: float = 2.0

    @dataclass(frozen=True, eq=False)
    class Below(Frozen):
        z: tuple[int, ...] = ()

    @dataclass(order=True)
    class Empty:
        pass

    @dataclass(frozen=True)
    class Pair:
        one: int
        other: int = field(default=2, compare=False, repr=False)
        third: int = field(default=3, hash=False)

        def __repr__(self) -> str:
            return "a pair"

    @dataclass
    class Own:
        one: int

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 7

    @dataclass(eq=False)
    class Apart:
        one: "int | None" = None

    return Frozen, Plain, Below, Empty, Pair, Own, Apart


PAIRS = list(zip(classes(records.dataclass), classes(dataclasses.dataclass), strict=True))


@pytest.mark.parametrize(("own", "usual"), PAIRS, ids=lambda own: own.__name__)
def test_a_record_is_the_dataclass_of_the_standard_library(own, usual):
    assert str(inspect.signature(own)) == str(inspect.signature(usual))
    asked = (1,) if inspect.signature(own).parameters else ()
    one, other = own(*asked), usual(*asked)
    assert repr(one) == repr(other)
    assert dataclasses.asdict(one) == dataclasses.asdict(other)
    assert own.__doc__ == usual.__doc__
    assert own.__match_args__ == usual.__match_args__
    assert repr(own.__dataclass_params__) == repr(usual.__dataclass_params__)
    assert {*vars(own)} == {*vars(usual)}
    assert (own(*asked) == one) == (usual(*asked) == other)
    assert one.__eq__(3) == other.__eq__(3)
    assert (own.__hash__ is None) == (usual.__hash__ is None)
    told = [
        (kind.__hash__ is object.__hash__, kind.__eq__ is object.__eq__) for kind in (own, usual)
    ]
    assert told[0] == told[1]


def hashed(own: Any) -> int | str:
    try:
        return hash(own)
    except TypeError as error:
        return str(error)


@pytest.mark.parametrize("place", [0, 1, 4, 5])
def test_what_is_compared_is_what_is_counted(place):
    own, usual = (classes(made)[place] for made in (records.dataclass, dataclasses.dataclass))
    pairs = [(kind(1), kind(2), kind(1)) for kind in (own, usual)]
    equal = [[one == other for one in kinds for other in kinds] for kinds in pairs]
    assert equal[0] == equal[1]
    assert hashed(pairs[0][0]) == hashed(pairs[1][0])
    if place == 4:
        assert own(1, 5) == own(1, 6) != own(1, 6, 7)
        assert hash(own(1, 5, 9)) == hash(own(1, 5, 8))


@pytest.mark.parametrize("name", ["a", "other"])
def test_a_frozen_record_is_written_in_the_same_words(name):
    for place in (0, 2, 4):
        told = list[tuple[type, str]]()
        for made in (records.dataclass, dataclasses.dataclass):
            own = classes(made)[place](1)
            for change in (
                lambda own=own: setattr(own, name, 1),
                lambda own=own: delattr(own, name),
            ):
                with pytest.raises(AttributeError) as refusal:
                    change()
                told.append((refusal.type, str(refusal.value)))
        assert told[:2] == told[2:]


@pytest.mark.parametrize(("own", "usual"), PAIRS, ids=lambda own: own.__name__)
def test_a_record_refuses_what_it_does_not_take(own, usual):
    asked = (1,) if inspect.signature(own).parameters else ()
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'nothing'"):
        own(*asked, nothing=1)


def test_a_frozen_record_stays_as_it_is():
    own = classes(records.dataclass)[0](1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        own.a = 2
    assert dataclasses.replace(own, a=5).n == 6


def test_the_fields_are_known_before_any_object_is_made():
    below = classes(records.dataclass)[2]
    assert dataclasses.is_dataclass(below)
    assert [own.name for own in dataclasses.fields(below)] == ["a", "b", "c", "k", "n", "m", "z"]


def test_what_is_loaded_before_any_is_made_can_be_compared():
    """As in a worker process, which gets its records by pickle."""
    plain = classes(records.dataclass)[1]
    loaded = plain.__new__(plain)
    loaded.__dict__.update(x=1, y=2.0)
    again = copy.copy(loaded)
    assert again == loaded
    assert repr(again).endswith("Plain(x=1, y=2.0)")


def test_threads_that_come_together_all_get_their_object():
    for _ in range(5):
        made, ready = list[object](), threading.Barrier(4)
        kinds = classes(records.dataclass)

        def make(kinds=kinds, made=made, ready=ready):
            ready.wait()
            made.extend(kind(1) for kind in (kinds[2], kinds[1], kinds[0]))

        threads = [threading.Thread(target=make) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == 12


ASKED = """
import sys
import xai_heatmap
xai_heatmap.explain
from xai_heatmap.core.records import _Waiting
print("jaxtyping" in sys.modules, "asyncio" in sys.modules, "unittest" in sys.modules)
from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.core.shapes import Float32
print(Float32[int, "h w"])
print(type(vars(Boxes)["__init__"]) is _Waiting, repr(Boxes()) != "", type(vars(Boxes)["__init__"]))
"""


def test_the_package_writes_none_that_nobody_uses_and_needs_no_jaxtyping():
    found = subprocess.run(
        [sys.executable, "-c", ASKED], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    shape = "typing.Annotated[int, 'Float32 h w']"
    assert found == ["False False False", shape, "True True <class 'function'>"]
