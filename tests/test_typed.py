"""The checks of types and shapes that every test runs with see what they are for."""

import dataclasses
from collections.abc import Iterator
from typing import NoReturn

import beartype
import numpy as np
import pytest
from jaxtyping import Float32, TypeCheckError

import xai_heatmap.explaining.batch
from typed import jaxtyped

checked = jaxtyped(typechecker=beartype.beartype)
Row = Float32[np.ndarray, " n"]


def row(length):
    return np.zeros(length, np.float32)


@checked
def joined(one: Row, two: Row, *rest: int, name: "str | None" = None) -> Row:
    return one[: rest[0]] if rest else one


def test_right_calls_are_answered():
    assert joined(row(3), row(3), name="a").shape == (3,)
    assert joined(row(3), row(3), 3).shape == (3,)
    assert joined.__name__ == "joined"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((row(3), row(4)), {}),
        ((row(3), row(3).astype(float)), {}),
        ((row(3), row((3, 1))), {}),
        ((row(3), row(3), "3"), {}),
        ((row(3), row(3)), {"name": 3}),
        ((row(3), row(3), 2), {}),
    ],
    ids=["axes", "kind of numbers", "rank", "rest", "type in quotes", "answer"],
)
def test_wrong_types_shapes_and_answers_are_refused(given, named):
    with pytest.raises(TypeCheckError):
        joined(*given, **named)


def test_what_a_call_named_is_forgotten_after_it():
    assert joined(row(3), row(3)).shape == (3,)
    assert joined(row(4), row(4)).shape == (4,)


def test_what_never_returns_is_refused_where_it_does():
    @checked
    def never(raises: bool) -> NoReturn:
        if raises:
            raise KeyError

    with pytest.raises(KeyError):
        never(True)
    with pytest.raises(TypeCheckError):
        never(False)


class Rows(list[Row]):
    """Of any lengths."""


def test_axes_of_a_class_of_arrays_are_forgotten_too():
    @checked
    def first(rows: Rows) -> None:
        assert rows

    @checked
    def outer(one: Row) -> Row:
        first(Rows([row(4)]))
        return one

    assert outer(row(3)).shape == (3,)


def test_functions_in_functions_are_checked_with_one_checker():
    def made(default):
        @checked
        def inner(x: int = default) -> Iterator[int]:
            yield x

        return inner

    assert list(made(1)()) == [1]
    assert list(made(2)()) == [2]
    with pytest.raises(TypeCheckError):
        made(3)("4")


def test_what_a_dataclass_is_made_of_is_checked():
    @checked
    @dataclasses.dataclass(frozen=True)
    class Point:
        x: int
        y: int = 0

    assert Point(1) == Point(1, 0)
    with pytest.raises(TypeCheckError):
        Point("1")


def test_checks_can_be_left_out(unchecked):
    assert joined(row(3), row(4)) is not None


def test_the_package_is_checked():
    with pytest.raises(TypeCheckError):
        xai_heatmap.explaining.batch.maps(None, None, method=3)
