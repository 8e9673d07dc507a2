"""A traced JAX function, step by step."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
from jax.extend import core as jax_core


@dataclass(frozen=True)
class Step:
    """Step of a trace: one equation of a jaxpr.

    Parameters
    ----------
    jaxpr, equation
        The trace, and which of its equations.
    """

    jaxpr: Any
    equation: Any

    @property
    def name(self) -> str:
        """Name of the primitive, or of the function that was traced into an inner jaxpr."""
        name = self.equation.primitive.name
        parts = {"jit", "pjit", "custom_jvp_call"}
        return self.equation.params.get("name", name) if name in parts else name

    @property
    def function(self) -> str:
        """Name of the step; of a function with a custom derivative, the name of the inner step."""
        within = self.equation.params.get("call_jaxpr")
        if within is None or len(within.jaxpr.eqns) != 1:
            return self.name
        return Step(within.jaxpr, within.jaxpr.eqns[0]).name

    @property
    def inner(self) -> Any:
        """Jaxpr of a function that was traced on its own, None for other steps."""
        return self.equation.params["jaxpr"] if self._primitive in ("jit", "pjit") else None

    @property
    def _primitive(self) -> str:
        return self.equation.primitive.name

    @property
    def variables(self) -> list[Any]:
        """Variables that the equation reads, each once; literals are left out."""
        return list(dict.fromkeys(own for own in self.equation.invars if not literal(own)))

    @property
    def outs(self) -> Sequence[Any]:
        """Output variables of the equation."""
        return self.equation.outvars

    @property
    def numbers(self) -> list[Any]:
        """Values of the literals of the equation."""
        return [own.val for own in self.equation.invars if literal(own)]

    def __call__(self, *given: Any) -> list[jax.Array]:
        """Outputs of the equation for the values `given` of `variables`."""
        alone = self.jaxpr.replace(
            constvars=[],
            invars=self.variables,
            outvars=list(self.outs),
            eqns=[self.equation],
            **_WITHOUT_NAMES,
        )
        return jax_core.jaxpr_as_fun(jax_core.ClosedJaxpr(alone, []))(*given)


_WITHOUT_NAMES: dict[str, Any] = {"debug_info": None} if jax.__version_info__ < (0, 5) else {}
"""The names of a whole program's arguments do not fit one equation of it, which JAX 0.4 asserts."""


def steps(jaxpr: Any) -> Iterator[Step]:
    """Steps of a jaxpr in order."""
    return (Step(jaxpr, equation) for equation in jaxpr.eqns)


def literal(own: Any) -> bool:
    """Whether an operand is a literal, a number written into an equation."""
    return isinstance(own, jax_core.Literal)


def value(own: Any, read: Mapping[Any, Any]) -> Any:
    """Value of an operand: of a variable in `read`, or of a literal."""
    return own.val if literal(own) else read[own]
