"""Products of small matrices, in the calling thread."""

import numpy as np

from xai_heatmap.core.shapes import Float

ALONE = 1 << 18
"""Multiplications up to which OpenBLAS, which numpy is shipped with, starts no other thread."""


def product(
    first: Float[np.ndarray, "n k"], second: Float[np.ndarray, "k m"]
) -> Float[np.ndarray, "n m"]:
    """`first @ second`, some rows at a time, so that no thread of the linear algebra wakes up.

    Those threads wait for more work in a loop that takes a processor each: a product of a fifth of
    a millisecond costs eight on two processors, and more where others use these too. Large
    products, of which one row is as much as a thread is worth, are left to the threads.
    """
    rows = ALONE // max(second.size, 1)
    if rows < 1 or rows >= len(first):
        return first @ second
    found = np.empty((len(first), second.shape[1]), np.result_type(first, second))
    for start in range(0, len(first), rows):
        np.matmul(first[start : start + rows], second, out=found[start : start + rows])
    return found
