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

    return Frozen, Plain, Below, Empty


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
