"""Agreement: T of the test of maps, as a figure beside other metrics."""

from xai_heatmap.core.errors import BadArray
from xai_heatmap.core.metric import metric
from xai_heatmap.core.tested import Tested


@metric(
    better="higher",
    cite="",
    use_when="you ask how well a map predicts what moves the score, from passes all maps share",
    passes="62 of a picture; shared by all maps",
)
def agreement(tested: Tested) -> float:
    """T = cos(m, d) over pairs of halves: m what the map predicts, d what the number did.

    Of each pair both are half a difference, between one half of the input taken away and the other;
    T² is the share of what moved that the map predicts. From -1 to 1; 0 for a map that is the same
    everywhere. It sees blocks of a quarter of each axis and what is additive: a map that is moved
    by half a block, or a number that hangs on two parts together, it can't tell. The test itself
    (`explain(..., test=True)`) also holds T against copies of the map, edges and the centre.

    Examples
    --------
    >>> agreement(Tested("predicts", "", agreement=0.9))
    0.9

    Raises
    ------
    BadArray
        Where nothing could be tested, or nothing in the input moves the number.
    """
    if tested.agreement is None:
        raise BadArray(f"There is no agreement to measure. {tested.because}")
    return tested.agreement
