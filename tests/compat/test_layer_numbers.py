"""Which layer of the old interface's list a number means."""

import pytest

from xai_heatmap.compat.layers import numbered
from xai_heatmap.core.errors import UnknownLayer


@pytest.mark.parametrize(
    ("layers", "number", "said"),
    [
        (["a", "b"], 2, "from -2 to 1"),
        (["a", "b"], "1", r"received '1'.*layers\.index\(name\)"),
        (["a", "b"], "b", r"received 'b'.*camXAITool"),
        (["a", "b"], 0.0, r"received 0\.0"),
        (["a", "b"], None, "received None"),
        ([], 0, r"empty.*\['auto'\]"),
    ],
)
def test_what_numbers_no_layer_is_told_what_to_write(layers, number, said):
    with pytest.raises(UnknownLayer, match=said):
        numbered(layers, number)
