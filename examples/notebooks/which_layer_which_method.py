# %% [markdown]
# # Which layer, which method
#
# Late layers say *what*, coarsely; early layers say *where*, finely, and mislead some methods. Here both are seen, and measured where the
# truth is known.

# %%
import xai_heatmap as xh

network = xh.network("demo")
scene = xh.scenes.scene(47, size=256)
layers = ["stem", "stage1.block1", "stage1.block2", "features"]

# %% [markdown]
# ## The layers that there are
#
# `auto` is the last grid that every way to the output crosses.

# %%
for layer in network.survey((3, 128, 128)).layers.values():
    if layer.grid:
        print(f"{layer.name:28} {'x'.join(map(str, layer.shape))}")
print(xh.explain(network, scene.image).layer_reason)

# %% [markdown]
# ## One method at four depths
#
# LayerCAM weighs every place by its own gradient. One forward pass, one backward pass, all layers.

# %%
xh.compare(network, scene.image, methods=["layercam"], layers=layers)

# %% [markdown]
# Grad-CAM has one weight for a feature map, the same everywhere. Near the end that is a fair question; early on it is not.

# %%
xh.compare(network, scene.image, methods=["gradcam"], layers=layers)

# %% [markdown]
# ## Measured
#
# Drawings know where their object is. The heat on the object, divided by what chance would put there, on ten scenes:


# %%
def on_object(method, layer):
    shares = []
    for seed in range(10):
        one = xh.scenes.scene(seed)
        heat = xh.explain(
            network, one.image, method=method, layer=layer, target=one.category
        ).heat()
        if heat.sum():
            shares.append(heat[one.mask].sum() / heat.sum() / one.mask.mean())
    return sum(shares) / len(shares)


table = {(m, at): on_object(m, at) for m in ("gradcam", "layercam") for at in ("stem", "features")}
for (method, layer), value in table.items():
    print(f"{method:9} at {layer:9} {value:.1f}")
assert table["gradcam", "stem"] < table["layercam", "stem"]
assert table["gradcam", "stem"] < table["gradcam", "features"]

# %% [markdown]
# ## Several depths in one map, pixels, and no gradients at all
#
# `refinecam` keeps of fine layers what coarse ones agree with. `integrated_gradients` speaks of the pixels. `occlusion` only asks: it takes
# parts away and looks at the score. All methods, with formula and price: `xai-heatmap methods` and `docs/methods/`.

# %%
xh.compare(network, scene.image, methods=["refinecam", "integrated_gradients", "occlusion"])

# %% [markdown]
# ## Which of them is right, of *your* network?
#
# `test=True` takes halves of the picture away and says whether a map predicts what moves the score; all maps share the same passes.

# %%
for e in xh.compare(
    network, scene.image, methods=["gradcam", "layercam"], layers=["stem", "features"], test=True
):
    print(f"{e.method:9} at {e.layer.name:9} {e.tested.short}")
assert e.tested.passed

# %% [markdown]
# Over a folder of pictures: `xai-heatmap audit MODEL PICTURES` recommends a map with intervals (`docs/audit.md`).
