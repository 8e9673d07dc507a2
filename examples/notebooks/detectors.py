# %% [markdown]
# # Detectors
#
# *Why this box, and why this class in it?* The detector here is small and learnt to find six kinds of things in drawn scenes; its weights
# lie in the repository, so run this notebook from a clone. With your own: `xh.network(yolo)`, `xh.network("yolo.onnx")`, a DETR, torchvision's
# detectors are read without a word (`docs/detectors.md`).

# %%
import sys
from pathlib import Path

here = Path.cwd().resolve()
sys.path.insert(0, str(next(p for p in (here, *here.parents) if (p / "training").is_dir())))

from training.detectors.planted import NAMES, planted
from training.detectors.weights import trained

import xai_heatmap as xh

scene = planted(3)
network = xh.network(trained("per level"), image_shape=(3, 128, 128), answers="boxes")
look = {"preprocess": "tf", "labels": NAMES}

# %% [markdown]
# ## All that was found
#
# One forward pass for all boxes, a short backward pass for each. They are numbered, the likeliest first.

# %%
found = xh.compare(network, scene.image, targets=xh.boxes(min_score=0.25), **look)
for e in found:
    print(e.detection.number, e.detection.label, round(e.detection.probability, 2), e.layer_reason)
assert {e.detection.label for e in found} == {one.label for one in scene.objects}
found

# %% [markdown]
# ## Does the heat lie on its own object?

# %%
for e in found:
    (own,) = [one for one in scene.objects if one.label == e.detection.label]
    heat = e.heat()
    share = heat[own.mask].sum() / heat.sum()
    print(e.detection.label, f"{share:.0%} of the heat on {own.mask.mean():.0%} of the picture")
    assert share > 5 * own.mask.mean()

# %% [markdown]
# ## Why a ladybird rather than the runner-up, and why is there no bus?
#
# Within a box any target can be asked for. `xh.suppressed` explains the best box at a place where no detection is, and says why it was
# dropped.

# %%
margin = xh.explain(network, scene.image, target=xh.box(1, xh.margin()), **look)
print(margin.target)
dropped = xh.explain(
    network, scene.image, target=xh.suppressed(found[0].detection.box, "bus"), **look
)
print(dropped.detection.dropped)
assert dropped.detection.dropped
assert margin.target.startswith("#1 ladybird - ")

# %% [markdown]
# ## A detector of which nothing is known
#
# `answers=` says how its outputs are read: `xh.Boxes(...)` names scores, boxes, their order and unit. A function that takes pictures and
# gives boxes is enough, too: `xh.detector` explains it by what taking parts away does.
