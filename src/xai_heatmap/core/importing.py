"""Import of the package's own modules when they are first needed."""

import gc
import importlib
import sys
from types import ModuleType


def imported(name: str) -> ModuleType:
    """Module of that full name; nothing is collected while it is imported.

    What an import makes stays. Looking for garbage among all that a framework has made before takes
    as long as half of the package's own imports. Whether garbage is collected afterwards is as it
    was.

    >>> from xai_heatmap.core.importing import imported
    >>> imported("xai_heatmap.core.counted").counted(2, "map")
    '2 maps'
    """
    if name in sys.modules and not getattr(sys.modules[name].__spec__, "_initializing", False):
        return sys.modules[name]
    collecting = gc.isenabled()
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        if collecting:
            gc.enable()
