"""Backward rules as data: one treatment for each canonical operator.

A further rule is one declaration like these, and a file of its name in the folder of every
framework: `implemented_by` finds it there.
"""

from xai_heatmap.core.backward import GRADIENT, BackwardRule
from xai_heatmap.networks.rules.frameworks import (
    JAX,
    ONNX,
    TENSORFLOW,
    TORCH,
    Framework,
    implemented_by,
    implements,
)
from xai_heatmap.networks.rules.operators import CANONICAL, MADE_OF_OTHERS, named, treated

__all__ = [
    "BIASES",
    "CANONICAL",
    "DEEPLIFT",
    "GRADIENT",
    "JAX",
    "LIBRAGRAD",
    "MADE_OF_OTHERS",
    "ONNX",
    "RULES",
    "TENSORFLOW",
    "TORCH",
    "BackwardRule",
    "Framework",
    "implemented_by",
    "implements",
    "named",
    "treated",
]

LIBRAGRAD = BackwardRule(
    "libragrad",
    at={
        "gate": "constant",
        "deviation": "constant",
        "attention": "constant",
        "gated": "held gate",
        "normalisation": "held deviation",
        "product": "shared",
        "power": "shared",
        "quotient": "held divisor",
    },
    refusal=(
        "LibraGrad changes the way back, which can't be done in this kind of network. Choose "
        "another method, such as hirescam."
    ),
)
"""LibraGrad (Mehri et al. 2025): what makes a layer more than linear counts as a constant.

Nothing passes through attention weights, gates and deviations; of two factors that both depend on
the picture each gets half. So gradients times activations add up to the score.
"""

DEEPLIFT = BackwardRule(
    "deeplift",
    at={
        **dict.fromkeys(("rectifier", "gate", "gated", "deviation", "power", "pointwise"), "slope"),
        **dict.fromkeys(("product", "affine"), "mean of both"),
        "quotient": "own divisor",
        "normalisation": "own divisor",
        "maximum": "winner",
        "minimum": "winner",
        "attention": "logarithmic mean",
        "final activation": "logarithmic mean",
    },
    kind="slope",
    refusal=(
        "Slopes between two runs are needed, which this kind of network does not give. Choose "
        "`integrated`, which finds them by many small steps."
    ),
)
"""DeepLIFT's Rescale rule (Shrikumar et al. 2017): the slope between two runs, Δv/Δu, in place of
every derivative.
"""

BIASES = BackwardRule(
    "bias_terms",
    at=dict.fromkeys((name for name in CANONICAL if name not in ("straight", "rectifier")), "kept"),
    kind="terms",
)
"""The derivative, and v - Σ J u of every operator from u to v beside it (Srinivas and Fleuret
2019). Straight operators and rectifiers add nothing.
"""

RULES = {rule.name: rule for rule in (GRADIENT, LIBRAGRAD, DEEPLIFT, BIASES)}
"""Every rule of the package by its name."""
