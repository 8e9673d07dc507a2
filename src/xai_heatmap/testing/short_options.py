"""Options that keep slow methods short: the one place for tables of them."""

SHORT: dict[str, dict[str, object]] = {
    "rise": {"samples": 64, "cells": 3},
    "sobol": {"samples": 8, "cells": 3},
    "hsic": {"samples": 64, "cells": 3},
    "occlusion": {"window": 4, "stride": 2},
    "smoothgrad": {"samples": 5},
    "vargrad": {"samples": 5},
    "smooth_gradcam_pp": {"samples": 5},
    "smooth:layercam": {"samples": 5},
    "smooth:gradcam": {"samples": 5},
    "vary:saliency": {"samples": 5},
    "sscam": {"samples": 3},
    "iscam": {"steps": 3},
    "integrated": {"steps": 5},
    "integrated_gradients": {"steps": 5},
    "guided_ig": {"steps": 4},
    "xrai": {"steps": 5},
}
"""On networks and pictures of a test."""

ON_PHOTOGRAPHS: dict[str, dict[str, object]] = {
    "rise": {"samples": 300},
    "guided_ig": {"steps": 16},
    "hsic": {"samples": 300},
    "iscam": {"top": 16, "steps": 4},
    "scorecam": {"top": 64},
    "sobol": {"samples": 8, "cells": 5},
    "sscam": {"top": 16, "samples": 4},
    "xrai": {"steps": 8},
    "smooth_gradcam_pp": {"samples": 8},
    "smoothgrad": {"samples": 8},
    "vargrad": {"samples": 8},
    "integrated_gradients": {"steps": 8},
    "occlusion": {"window": 56, "stride": 28},
}
"""On trained networks, where the heat has to lie right."""

TELLING: dict[str, dict[str, object]] = {
    "occlusion": {},
    "sobol": {"samples": 8, "cells": 3},
    "hsic": {"samples": 600, "cells": 2},
    "rise": {"samples": 600, "cells": 2},
}
"""For methods of masks, where the share of one place in the map is to be told from chance."""
