# %% [markdown]
# # Right for the wrong reason
#
# Two networks, both right on drawings that wear their own badge. One learnt the objects; the other learnt the badges that lay beside them. No
# accuracy tells them apart. Heatmaps do.

# %%
import numpy as np

import xai_heatmap as xh

honest, cheat = xh.network("demo"), xh.network("demo-cheat")
scene = xh.scenes.scene(47, mark=True)  # a rabbit beside its own badge
first, second = xh.explain(honest, scene.image), xh.explain(cheat, scene.image)
print(first.target, second.target)
assert first.target == second.target == scene.label == "rabbit"

# %%
scenes = [xh.scenes.scene(seed, mark=True) for seed in range(8)]
for network in (honest, cheat):
    right = [xh.explain(network, one.image).target == one.label for one in scenes]
    print(f"{sum(right)} of {len(right)} right")
    assert all(right)

# %% [markdown]
# Where the honest network looks:

# %%
first

# %% [markdown]
# And the cheat, on the same picture:

# %%
second

# %% [markdown]
# ## Is it the badge?
#
# A map says where to look, an experiment says what is so. The same rabbit with the badge of a bus:

# %%
other = xh.scenes.scene(47, mark="bus")
print(xh.explain(honest, other.image).target, xh.explain(cheat, other.image).target)
assert xh.explain(cheat, other.image).target == "bus"

# %% [markdown]
# How much of the heat lies on the badge, divided by what chance would put there:

# %%
for name, e in (("honest", first), ("cheat", second)):
    heat = e.heat()
    print(name, round(float(heat[scene.mark.mask].sum() / heat.sum() / scene.mark.mask.mean()), 1))

# %% [markdown]
# ## The map is right, the network is wrong
#
# The map of the cheat looks wrong, and it is right: it predicts what moves this network's score. The outline of the rabbit looks right, and
# predicts nothing.

# %%
told = xh.explain(cheat, scene.image, test=True)
print(told.tested)
assert told.tested.passed

# %%
from dataclasses import replace

plausible = replace(told, map=scene.mask.astype("float32"), tested=None).test(cheat)
print(plausible.tested)
assert not plausible.tested.passed

# %% [markdown]
# ## The guard
#
# `guard=True` tests a map that you asked for, and shows the usual one beside it where it fails. It never replaces one silently.

# %%
guarded = xh.explain(cheat, scene.image, method="gradcam", layer="stem", guard=True)
print(guarded.tested.word, guarded.instead is not None)
guarded

# %% [markdown]
# ## One picture proves nothing of a class
#
# That the badge lay beside every rabbit must be looked up in the training pictures. Many pictures at once: `xai-heatmap findings`
# (`docs/findings-in-your-data.md`) groups what the maps of a class have in common and tests each group.

# %%
shares = []
for one in scenes:
    heat = xh.explain(cheat, one.image).heat()
    shares.append(heat[one.mark.mask].sum() / heat.sum() / one.mark.mask.mean())
print(np.round(shares, 1))
assert np.median(shares) > 5
