"""Types and shapes of every call, checked at a tenth of what jaxtyping's own wrapper costs.

`--jaxtyping-packages` puts ``@jaxtyping.jaxtyped(typechecker=beartype.beartype)`` on every function
and class of the package. Its wrapper builds two checkers for every function when it is defined, for
a function inside another one at every call of that, binds the arguments once more and checks them
twice: together five sixths of what the tests cost. Here checkers are built at the first call, once
for all functions of one piece of code, and arguments are checked once. Types that stand in quotes
are read at the first call, when the names in them are known.
"""

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jaxtyping
from beartype.roar import BeartypeCallHintViolation

_own = jaxtyping.jaxtyped
_REFUSED = BeartypeCallHintViolation


class _Missing:
    """Stands for the value that an argument has by default, which is not checked."""


class _Token:
    """Text that stands in a signature as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class _Checks:
    """What is checked of one function."""

    arguments: Callable[..., None]
    answer: Callable[[Any], None]
    shaped: bool
    """Whether axes are named that have to agree within one call."""


_known: dict[Any, _Checks] = {}


def jaxtyped(what: Any = None, *, typechecker: Any) -> Any:
    """Decorator in the place of jaxtyping's own.

    Parameters
    ----------
    what
        A function, or a class: of a dataclass what it is made from is checked.
    typechecker
        Decorator of a function that has nothing but its annotations.
    """
    if what is None:
        return functools.partial(jaxtyped, typechecker=typechecker)
    if not inspect.isclass(what):
        return _checked(what, typechecker) if what.__annotations__ else what
    if dataclasses.is_dataclass(what) and "__init__" in vars(what):
        what.__init__ = _checked(what.__init__, typechecker)
    return what


def _checked(fn: Callable[..., Any], typechecker: Any) -> Callable[..., Any]:
    checks = None

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        nonlocal checks
        if jaxtyping.config.jaxtyping_disable:
            return fn(*args, **kwargs)
        if checks is None:
            checks = _checks(fn, typechecker)
        if checks.shaped:
            with _own("context"):
                return run(checks, args, kwargs)
        return run(checks, args, kwargs)

    def run(checks: _Checks, args: Any, kwargs: Any) -> Any:
        __tracebackhide__ = True
        try:
            checks.arguments(*args, **kwargs)
        except _REFUSED as problem:
            raise jaxtyping.TypeCheckError(str(problem)) from problem
        answer = fn(*args, **kwargs)
        try:
            checks.answer(answer)
        except _REFUSED as problem:
            raise jaxtyping.TypeCheckError(str(problem)) from problem
        return answer

    return call


def _checks(fn: Callable[..., Any], typechecker: Any) -> _Checks:
    """Those of a function, made once for all that have its code and its types."""
    hints = {name: _read(fn, hint) for name, hint in fn.__annotations__.items()}
    try:
        key = fn.__code__, fn.__module__, tuple(hints.items())
        if key in _known:
            return _known[key]
    except TypeError:  # a type that can't be hashed
        return _made(fn, hints, typechecker)
    return _known.setdefault(key, _made(fn, hints, typechecker))


def _read(fn: Callable[..., Any], hint: Any) -> Any:
    """A type that may stand in quotes; anything, where it names what only type checkers see."""
    if not isinstance(hint, str):
        return hint
    try:
        return eval(hint, fn.__globals__)  # noqa: S307 - the package's own annotation
    except NameError:
        return Any


def _made(fn: Callable[..., Any], hints: dict[str, Any], typechecker: Any) -> _Checks:
    scope, parameters = {}, []
    for i, one in enumerate(inspect.signature(fn).parameters.values()):
        hint, default = hints.get(one.name, Any), one.default
        if default is not one.empty:
            # not the default itself: checkers are kept longer than what it may be
            hint, default = typing.Union[hint, _Missing], _Token("missing_")  # noqa: UP007
        scope[f"type{i}_"] = hint
        parameters.append(one.replace(annotation=_Token(f"type{i}_"), default=default))
    signature = inspect.Signature(parameters)
    arguments = _compiled(fn, f"def {fn.__name__}{signature}: pass", scope, typechecker)
    text = f"def {fn.__name__}(returned: type_): pass"
    returned = hints.get("return", Any)
    never = returned in (typing.NoReturn, typing.Never)
    answer = _compiled(fn, text, {"type_": _Missing if never else returned}, typechecker)
    return _Checks(arguments, answer, any(map(_shaped, hints.values())))


def _compiled(fn: Callable[..., Any], text: str, scope: dict[str, Any], typechecker: Any) -> Any:
    scope["missing_"] = _Missing()
    exec(text, scope)  # noqa: S102
    made = scope[fn.__name__]
    made.__module__, made.__qualname__ = fn.__module__, fn.__qualname__
    return typechecker(made)


def _shaped(hint: Any) -> bool:
    if inspect.isclass(hint) and issubclass(hint, jaxtyping.AbstractArray):
        return True
    inside = *typing.get_args(hint), *getattr(hint, "__orig_bases__", ())
    return any(map(_shaped, inside))
