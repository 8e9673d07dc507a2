"""Whether arrays hold numbers, and neither NaN nor infinity, in one quick reading."""

import numpy as np


def finite(x: np.ndarray) -> bool:
    """Whether all numbers of an array are finite. A sum is finite only if they are, and is had in
    one reading; where it is not, as large numbers overflow in it too, each number is looked at.
    """
    total = np.einsum("i->", x.ravel(order="K"))  # which no copy is made for, where x has no gaps
    return bool(np.isfinite(total)) or bool(np.isfinite(x).all())
