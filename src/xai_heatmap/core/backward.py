"""Backward rules: what stands in for the derivative on the way back through a network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, eq=False)
class BackwardRule:
    """One way back through a network, as data; each framework carries it out in a file of its own.

    Parameters
    ----------
    name
        Of the rule, and of the file in the folder of every framework.
    at
        From an operator's canonical name (``networks/rules/operators.py``) to what is done there,
        in one word; every other operator keeps its derivative.
    kind
        ``"derivative"`` puts another derivative in place of an operator's own; ``"slope"`` runs the
        network twice from a layer on, and puts slopes between both runs there; ``"terms"`` keeps
        the derivative, and records what every operator adds beside it.
    refusal
        The sentences of the error where a kind of network can't do this.
    """

    name: str
    at: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    kind: Literal["derivative", "slope", "terms"] = "derivative"
    refusal: str = (
        "Another way back than the derivative is needed, which this kind of network does not "
        "give. Choose a method that needs gradients only, such as hirescam."
    )

    @property
    def opens_attention(self) -> bool:
        """Whether the rule treats attention by itself, so that attention has to be written out."""
        return self.kind == "derivative" and "attention" in self.at


GRADIENT = BackwardRule("gradient")
"""The derivative itself."""
