"""What keeps methods short in tests is asked of methods that there are."""

import pytest

import xai_heatmap.methods  # noqa: F401 - registers every method
from xai_heatmap.core.registry import METHODS, find_method
from xai_heatmap.testing.short_options import ON_PHOTOGRAPHS, SHORT, TELLING


@pytest.mark.parametrize("table", [SHORT, ON_PHOTOGRAPHS, TELLING])
def test_every_entry_is_a_method_with_these_options(table):
    for name, options in table.items():
        assert find_method(name).checked(options) == options


def test_methods_that_draw_samples_or_take_steps_are_all_kept_short():
    slow = {n for n, m in METHODS.items() if not {"samples", "steps", "window"}.isdisjoint(m.taken)}
    assert slow <= set(SHORT)
