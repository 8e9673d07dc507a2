"""Operations that mix features or places, by their names in the frameworks.

All others move values, resize, join or bend them one by one.
"""

MIXING = (
    *("conv", "mm", "matmul", "dot", "einsum", "gemm", "linearbackward", "attention"),
    *("pool", "mean", "reduce", "sumbackward1", "norm", "lstm", "gru", "rnn"),
)
"""Parts of the names of mixing operations, in any framework."""

SIMPLE = ("resize", "upsample", "reduce_precision")
"""Parts of the names of operations that do not mix."""


def mixes(operation: str) -> bool:
    """Whether the operation named `operation` mixes several values into one."""
    said = operation.casefold()
    return any(word in said for word in MIXING) and not any(word in said for word in SIMPLE)
