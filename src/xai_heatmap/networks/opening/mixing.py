"""Operations that mix features or places, by their names in the frameworks.

All others move values, resize, join or bend them one by one.
"""

MIXING = (
    *("conv", "mm", "matmul", "dot", "einsum", "gemm", "linearbackward", "attention"),
    *("pool", "mean", "reduce", "sumbackward1", "norm", "lstm", "gru", "rnn"),
)
"""Parts of a name, in any framework."""

SIMPLE = ("resize", "upsample", "reduce_precision")
"""Parts of names that are none of these."""


def mixes(operation: str) -> bool:
    """Whether an operation of that name makes one value of several."""
    said = operation.casefold()
    return any(word in said for word in MIXING) and not any(word in said for word in SIMPLE)
