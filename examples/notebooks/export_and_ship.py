# %% [markdown]
# # Export and ship
#
# One ONNX file that answers prediction *and* heatmap, wherever ONNX runs, with no line of this package there.

# %%
import json
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime

import xai_heatmap as xh
from xai_heatmap.networks.loading.demo import file

folder = tempfile.TemporaryDirectory()
out = Path(folder.name)
model = file("demo")  # an ONNX file; a torch.nn.Module or a keras.Model does as well

# %% [markdown]
# ## Write it
#
# Before the file is kept it is tried: the model's own outputs stay the same to the last bit, and the maps are those of Python.

# %%
xh.export(model, out / "explainer.onnx")
grown = (out / "explainer.onnx").stat().st_size
print(f"{grown / 1000:.0f} kB")

# %% [markdown]
# ## Run it, with onnxruntime alone
#
# `class_index` is a class, or -1 for the prediction.

# %%
session = onnxruntime.InferenceSession(out / "explainer.onnx")
print([one.name for one in session.get_inputs()], [one.name for one in session.get_outputs()])

scene = xh.scenes.scene(47)
x = (scene.image.transpose(2, 0, 1)[None] / 127.5 - 1).astype("float32")
first, _ = (one.name for one in session.get_inputs())
scores, heatmap = session.run(None, {first: x, "class_index": np.array([-1])})
print(scores.shape, heatmap.shape, int(scores.argmax()))
assert int(scores.argmax()) == scene.category

# %% [markdown]
# The same map as in Python:

# %%
network = xh.network(model)
e = xh.explain(network, scene.image)
assert np.allclose(heatmap[0], e.map, atol=1e-5)
e

# %% [markdown]
# ## What the file says of itself
#
# Names of classes, preprocessing, method and layer travel in its metadata.

# %%
for name, value in session.get_modelmeta().custom_metadata_map.items():
    print(name, "=", value[:70])

# %% [markdown]
# ## Ship a page instead
#
# Pictures with their maps as one file, opened from disk, which asks nobody for anything: for a colleague without Python.

# %%
shown = xh.compare(network, scene.image, layers="all", methods=["layercam"])
(page,) = shown.save(out / "rabbit.html")
print(f"{page.name}, {page.stat().st_size / 1000:.0f} kB, {len(shown)} maps")
assert b"http://" not in page.read_bytes().split(b"<body", 1)[0]

# %% [markdown]
# ## Or the raw maps
#
# Picture, array and facts, all or nothing; what was saved before is replaced by the same result alone.

# %%
for path in e.save(out / "maps"):
    print(path.name)
entry = json.loads((out / "maps" / "manifest.json").read_text("utf-8"))
assert entry
folder.cleanup()

# %% [markdown]
# From the command line: `xai-heatmap export model.onnx explainer.onnx --preprocess imagenet`. A folder of a million pictures:
# `xai-heatmap batch` (`docs/data-sets.md`).
