"""A backward rule that the package does not have, as anybody would add it: this declaration, and
one file for each framework beside it.

Guided backpropagation (Springenberg et al. 2015): at a ReLU only what is positive goes back.
"""

from xai_heatmap.networks.rules import BackwardRule

GUIDED = BackwardRule("guided", at={"rectifier": "positive"})
