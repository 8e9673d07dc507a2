"""Types of arrays with their shapes, as `jaxtyping` writes them: ``Float32[np.ndarray, "H W"]``.

They are those of jaxtyping for a type checker, and where jaxtyping was imported before this
package, as tests do, which check every call. Else they say the same in the words of `typing`:
importing jaxtyping takes as long as half of this package.
"""

import sys
from typing import TYPE_CHECKING, Annotated, Any

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Bool as Bool
    from jaxtyping import Float as Float
    from jaxtyping import Float32 as Float32
    from jaxtyping import Float64 as Float64
    from jaxtyping import Int as Int
    from jaxtyping import Int64 as Int64
    from jaxtyping import Shaped as Shaped
    from jaxtyping import UInt8 as UInt8
    from jaxtyping import UInt64 as UInt64
else:

    class _Kind:
        """Numbers of one kind; with a type of array and the names of its axes, an annotation."""

        def __class_getitem__(cls, said: tuple[Any, str]) -> Any:
            array, axes = said
            return Annotated[array, f"{cls.__name__} {axes}"]

    def _kind(name: str) -> Any:
        return type(name, (_Kind,), {})

    Bool, Shaped = _kind("Bool"), _kind("Shaped")
    Float, Float32, Float64 = _kind("Float"), _kind("Float32"), _kind("Float64")
    Int, Int64, UInt8, UInt64 = map(_kind, ("Int", "Int64", "UInt8", "UInt64"))
