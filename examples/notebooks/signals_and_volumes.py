# %% [markdown]
# # Signals and volumes
#
# What is no photograph is given as an array, in the layout that the network takes. The networks here are set by hand, not trained, so that
# the right answer is known before it is asked for.

# %%
import numpy as np
import PIL.Image
import torch
from torch import nn

import xai_heatmap as xh

rng = np.random.default_rng(0)

# %% [markdown]
# ## A signal: which beat was it?
#
# A heartbeat every hundred samples, and one extra beat of another shape at 450. The network is a matched filter: one kernel has the shape of
# the extra beat, and the score "extra" is how strongly it answers anywhere.

# %%
t = np.arange(-20, 21)
usual, extra = np.exp(-((t / 3) ** 2)), -np.exp(-((t / 7) ** 2))
ecg = rng.normal(0, 0.05, 800)
for at in range(100, 800, 100):
    ecg[at - 20 : at + 21] += usual
ecg[430:471] += extra
ecg = ecg[None].astype("float32")  # (channels, length)

filters = nn.Conv1d(1, 2, 41, padding=20)
scores = nn.Linear(2, 2, bias=False)
with torch.no_grad():
    filters.weight[:] = torch.tensor(np.stack([usual, extra])[:, None], dtype=torch.float32)
    filters.bias[:] = torch.tensor([-2.0, -2.0])
    scores.weight[:] = torch.eye(2)
model = nn.Sequential(filters, nn.ReLU(), nn.AdaptiveMaxPool1d(1), nn.Flatten(), scores).eval()

e = xh.explain(model, ecg, labels=["usual", "extra"], target="extra")
assert abs(int(e.heat().argmax()) - 450) <= 10
e

# %% [markdown]
# The heat has the signal's length: `e.heat()` is an array to compute with. Other axes are said: `xh.network(model, axes="tc")` where
# features are last.

# %%
print(e.heat().shape, int(e.heat().argmax()))
assert e.heat().shape == (800,)

# %% [markdown]
# ## A volume: where is the nodule?
#
# Noise of 24 slices with a bright ball in it. The network averages over small cubes; the score "nodule" adds up by how much they are
# brighter than 0.4.

# %%
z, y, x = np.indices((24, 48, 48))
ball = (z - 15) ** 2 + (y - 30) ** 2 + (x - 14) ** 2 < 4**2
scan = (rng.normal(0.2, 0.05, ball.shape) + 0.6 * ball)[None].astype("float32")

cubes = nn.Conv3d(1, 1, 5, padding=2)
last = nn.Linear(1, 2)
with torch.no_grad():
    cubes.weight.fill_(1 / 125)
    cubes.bias.fill_(-0.4)
    last.weight[:] = torch.tensor([[0.0], [10_000.0]])
    last.bias[:] = torch.tensor([0.5, 0.0])
body = nn.Sequential(cubes, nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), last).eval()

e = xh.explain(body, scan, labels=["clear", "nodule"])
assert e.target == "nodule"
heat = e.heat()
assert heat.shape == scan.shape[1:]
assert heat[ball].sum() > 0.5 * heat.sum()
print([int(k) for k in np.unravel_index(heat.argmax(), heat.shape)])
PIL.Image.fromarray(e.overlay(slices=6))

# %% [markdown]
# Slices share one scale of colour; the hottest is among them. Across another axis, by the numbers that stand below them:

# %%
PIL.Image.fromarray(e.overlay(axis=2, slices=[10, 15, 20]))

# %% [markdown]
# Video, bands of satellites, rows of tables: `docs/signals-video-volumes-bands.md`.
