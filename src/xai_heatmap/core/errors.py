"""Every error that this project raises on purpose, as one tree.

::

    XaiHeatmapError
    ├── UsageError          exit 2   the call itself is off: a name, an option, a combination
    │   ├── UnknownLayer        XH102
    │   │   └── NestedLayer     XH103
    │   ├── UnknownMethod       XH104
    │   ├── UnknownTarget       XH105
    │   ├── UnknownPreprocess   XH106
    │   ├── UnknownColormap     XH107
    │   ├── BadOption           XH108
    │   └── UnknownMetric       XH110
    ├── ModelError          exit 3   the model can't be loaded, opened or explained this way
    │   ├── NoGrid              XH101
    │   ├── LayerNotReached     XH109
    │   ├── ModelNotFound       XH131
    │   ├── NotAModel           XH132
    │   ├── UnsafeModel         XH133
    │   ├── MissingFramework    XH134
    │   ├── NoScores            XH135
    │   ├── NonFiniteScores     XH136
    │   ├── ModelFailed         XH137
    │   ├── NoRule              XH140
    │   ├── NoAttention         XH141
    │   └── NoHead              XH142
    ├── InputError          exit 4   a picture or an array can't be used
    │   ├── ImageNotFound       XH201
    │   ├── NotAnImage          XH202
    │   ├── ImageTooLarge       XH203
    │   ├── BadArray            XH204
    │   └── EndsItsProcess      XH205
    ├── Busy                XH301   exit 1   the web app has more to do than can wait
    └── OutputError         exit 4   a result can't be written; nothing is left half-written
        │                       XH401
        └── TooManyErrors       XH402   exit 1

A message says what was needed, what was received, and what to do next. Codes never change their
meaning.
"""

from collections.abc import Iterable
from typing import ClassVar


class XaiHeatmapError(Exception):
    """The root of the tree; ``except XaiHeatmapError`` catches all that is raised on purpose."""

    code: ClassVar[str] = "XH000"
    exit_code: ClassVar[int] = 1


class UsageError(XaiHeatmapError):
    """The call is off: a name that does not exist, an option out of range, two that contradict."""

    code = "XH100"
    exit_code = 2


class UnknownLayer(UsageError):
    """The network has no layer of that name."""

    code = "XH102"


class NestedLayer(UnknownLayer):
    """The layer exists, but inside a nested model: its full path is needed."""

    code = "XH103"


class UnknownMethod(UsageError):
    """There is no method of that name."""

    code = "XH104"


class UnknownTarget(UsageError):
    """The network has no such class."""

    code = "XH105"


class UnknownPreprocess(UsageError):
    """The preprocessing of the model is not known, or is no preset."""

    code = "XH106"


class UnknownColormap(UsageError):
    """There is no colour map of that name."""

    code = "XH107"


class BadOption(UsageError):
    """An option is out of range, unknown to the method, or contradicts another."""

    code = "XH108"


class UnknownMetric(UsageError):
    """There is no metric of that name."""

    code = "XH110"


class ModelError(XaiHeatmapError):
    """The model can't be loaded, opened or explained this way; `layer` and `method` name the one
    that can't be had, where others can.
    """

    code = "XH130"
    exit_code = 3

    def __init__(self, message: str = "", *, layer: str = "", method: str = "") -> None:
        super().__init__(message)
        self.layer = layer
        self.method = method


class NoGrid(ModelError):
    """The layer (or every layer of the model) has no grid to draw a map on."""

    code = "XH101"


class LayerNotReached(ModelError):
    """The layer exists but did not run for this input."""

    code = "XH109"


class ModelNotFound(ModelError):
    """There is no model file, factory or hub name like that."""

    code = "XH131"


class NotAModel(ModelError):
    """The file or object is not a model of a supported kind."""

    code = "XH132"


class UnsafeModel(ModelError):
    """Opening the file would run code that it carries."""

    code = "XH133"


class MissingFramework(ModelError):
    """The framework that the model belongs to is not installed."""

    code = "XH134"


class NoScores(ModelError):
    """The model's output holds nothing that reads as one row of scores an image."""

    code = "XH135"


class NonFiniteScores(ModelError):
    """The network itself answered NaN or infinity."""

    code = "XH136"


class ModelFailed(ModelError):
    """The model ran before, and raised an error of its own on this picture."""

    code = "XH137"


class NoRule(ModelError):
    """An operator on the way from the scores to the layer has no derivative here."""

    code = "XH140"


class NoAttention(ModelError):
    """The network has no attention among all of its tokens, or it can't be seen."""

    code = "XH141"


class NoHead(ModelError):
    """The part behind a layer (the head) does not give the same scores when run again."""

    code = "XH142"


class InputError(XaiHeatmapError):
    """A picture or an array can't be used."""

    code = "XH200"
    exit_code = 4


class ImageNotFound(InputError):
    """There is no file at that path."""

    code = "XH201"


class NotAnImage(InputError):
    """The file is not a picture, or a broken one."""

    code = "XH202"


class ImageTooLarge(InputError):
    """The picture has more pixels than the limit allows."""

    code = "XH203"


class BadArray(InputError):
    """An array has the wrong rank, type or values."""

    code = "XH204"


class EndsItsProcess(InputError):
    """The picture ends every process that reads or explains it."""

    code = "XH205"


class Busy(XaiHeatmapError):
    """The web app's network is at work, and more can't wait for it."""

    code = "XH301"


class OutputError(XaiHeatmapError):
    """A result can't be written."""

    code = "XH401"
    exit_code = 4


class TooManyErrors(OutputError):
    """More pictures of a run can't be explained than was allowed."""

    code = "XH402"
    exit_code = 1


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` with a leading space, or nothing where no known name is near."""
    known = list(known)
    folded = {k.casefold(): k for k in known}
    import difflib  # of what goes wrong alone

    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    tail = [k for k in known if k.replace("/", ".").split(".")[-1] == name]
    best = tail[0] if tail else folded[near[0]] if near else None
    return f" Did you mean {best!r}?" if best else ""
