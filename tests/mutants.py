"""Faults made by hand, for `tests/mutations.py`: text that stands once in the package, what
takes its place, and the tests that have to fail then.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Parameters
    ----------
    name
        Area and fault.
    old, new
        A piece of the package's text that is found once, and the fault.
    tests
        Names of test files.
    word
        Which tests of these, as `pytest -k` takes it.
    backend
        Of Keras.
    """

    name: str
    old: str
    new: str
    tests: str
    word: str = ""
    backend: str = "torch"


MUTANTS = [
    # methods
    Mutant(
        "methods: Grad-CAM without its ReLU",
        'total = np.einsum("k,kp->p", weights, rows).reshape(activation.shape[1:])\n'
        "    return np.maximum(total, 0) if relu else total",
        'total = np.einsum("k,kp->p", weights, rows).reshape(activation.shape[1:])\n'
        "    return total",
        "test_formulas.py",
        "gradcam",
    ),
    Mutant(
        "methods: Grad-CAM averages over the wrong axis",
        "gradient.reshape(rows.shape)) / np.float32(rows.shape[1])",
        "gradient.reshape(rows.shape)) / np.float32(rows.shape[0])",
        "test_formulas.py",
        "gradcam",
    ),
    Mutant(
        "methods: LayerCAM with gradients of either sign",
        'np.einsum("k...,k...->...", np.maximum(gradient, 0), activation)',
        'np.einsum("k...,k...->...", gradient, activation)',
        "test_formulas.py",
        "layercam",
    ),
    Mutant(
        "methods: HiResCAM multiplies the gradient by itself",
        ">>> hirescam(activation, gradient)\n    array([[-2.,  2.]], dtype=float32)\n"
        '    """\n    return np.einsum("k...,k...->...", gradient, activation)',
        ">>> hirescam(activation, gradient)\n    array([[-2.,  2.]], dtype=float32)\n"
        '    """\n    return np.einsum("k...,k...->...", gradient, gradient)',
        "test_formulas.py",
        "hirescam",
    ),
    Mutant(
        "methods: a path's points half a step too far",
        "np.float32((step + 0.5) / steps) * way",
        "np.float32((step + 1.0) / steps) * way",
        "test_heads.py",
        "integrated",
    ),
    Mutant(
        "methods: Score-CAM without the score of nothing",
        "increases = np.array(values, np.float64) - float(nothing)\n    if softmax",
        "increases = np.array(values, np.float64)\n    if softmax",
        "test_heads.py",
        "scorecam",
    ),
    Mutant(
        "methods: occlusion adds windows up where it averages",
        "(losses / times).astype(np.float32)",
        "losses.astype(np.float32)",
        "test_heads.py",
        "occlusion",
    ),
    # core
    Mutant(
        "core: rows and columns swapped on the way to the image",
        "return left + x / along, top + y / down",
        "return left + x / down, top + y / along",
        "test_geometry.py",
    ),
    Mutant(
        "core: a class token taken for the first patch",
        "native[:, self.prefix : native.shape[1] - self.suffix]",
        "native[:, 0 : native.shape[1] - self.suffix - self.prefix]",
        "test_layout.py",
    ),
    Mutant(
        "core: a map of rounding is called ok",
        "if share <= ROUNDING:",
        "if share < 0:",
        "test_verdict.py",
    ),
    Mutant(
        "core: the union of boxes counts what is common twice",
        "_area(box[None]) + _area(boxes) - common, TINY",
        "_area(box[None]) + _area(boxes), TINY",
        "test_region.py test_boxes.py",
        "overlap or suppress or box",
    ),
    Mutant(
        "core: the sign of a likeness's derivative",
        "(direction - alike * rows / lengths) / lengths",
        "(direction + alike * rows / lengths) / lengths",
        "test_target.py",
    ),
    # networks
    Mutant(
        "networks: what a model wrote into itself stays written",
        "own.detach().copy_(kept.view(own.shape))",
        "kept.view(own.shape)",
        "test_torch_unchanged.py",
    ),
    Mutant(
        "networks: torch's fast path for attention stays off",
        "torch.backends.mha.set_fastpath_enabled(fast)",
        "torch.backends.mha.set_fastpath_enabled(False)",
        "test_torch_conformance.py",
        "fuse",
    ),
    Mutant(
        "networks: a method that stood on an instance is not given back",
        "vars(part)[method] = shadow.own",
        "vars(part).pop(method)",
        "test_torch_conformance.py",
        "forward",
    ),
    Mutant(
        "networks: a closing softmax stays in",
        "closing, undo = own, Undo(part=parts[path])",
        "closing, undo = own, Undo()",
        "test_torch_conformance.py",
        "closing",
    ),
    Mutant(
        "networks: LibraGrad in PyTorch gives each factor all of the gradient",
        "return x / among + x.detach() * (1 - 1 / among)",
        "return x",
        "test_attention.py",
        "contributions",
    ),
    Mutant(
        "networks: graphs of ONNX kept without what is held",
        "self._ready, (shape, held.key), lambda",
        "self._ready, (shape,), lambda",
        "test_onnx_held.py",
        "another_length",
    ),
    Mutant(
        "networks: the derivative of ONNX's softmax sums over the wrong axis",
        "return y * (g - (g * y).sum(axis))",
        "return y * (g - (g * y).sum(axis - 1))",
        "test_rules.py",
        "Softmax",
    ),
    Mutant(
        "networks: ONNX's product of two paths adds where it takes off",
        "return -v if sum(moves) > 1 else None\n    if operator in SCALE_FREE",
        "return v if sum(moves) > 1 else None\n    if operator in SCALE_FREE",
        "test_fullgrad.py",
        "onnx",
    ),
    Mutant(
        "networks: the sign of a cotangent in JAX",
        "padded[: len(cotangent)] = cotangent",
        "padded[: len(cotangent)] = -cotangent",
        "test_keras_conformance.py",
        "plain_network",
        "jax",
    ),
    Mutant(
        "networks: the sign of a gradient in TensorFlow",
        "number: tf.cast(tf.convert_to_tensor(gradient), tf.float32)",
        "number: -tf.cast(tf.convert_to_tensor(gradient), tf.float32)",
        "test_keras_conformance.py",
        "plain_network",
        "tensorflow",
    ),
    # sources, render, sinks
    Mutant(
        "sources: a standard deviation multiplies",
        "(pixels / np.float32(divisor) - shift) / spread",
        "(pixels / np.float32(divisor) - shift) * spread",
        "test_preprocess.py",
    ),
    Mutant(
        "sources: photographs are not turned upright",
        "return picture if turn is None else picture.transpose(turn)",
        "return picture",
        "test_image.py",
    ),
    Mutant(
        "render: cells begin where their centres are",
        "place = np.clip(share * cells - 0.5, 0, cells - 1)",
        "place = np.clip(share * cells, 0, cells - 1)",
        "test_heat.py",
    ),
    Mutant(
        "render: evidence against drawn as evidence for",
        "share = (heat if signed else magnitude) / highest",
        "share = magnitude / highest",
        "test_heat.py",
    ),
    Mutant(
        "sinks: an identity without the type of the numbers",
        'digest.update(f"{explained.shape}{explained.dtype}".encode())',
        'digest.update(f"{explained.shape}".encode())',
        "test_identity.py",
    ),
    Mutant(
        "sinks: what a failed save replaced is not put back",
        "undo.callback(kept[path].replace, path)",
        "pass",
        "test_folder.py",
    ),
    # jobs, exporting, compat, metrics
    Mutant(
        "jobs: files of one name are saved under one name",
        "if several[path.stem] == 1",
        "if several[path.stem]",
        "test_names.py test_folders.py",
    ),
    Mutant(
        "exporting: maps that differ are let through",
        "if not alike(own, right, floor=float(floor)):",
        "if own.shape != right.shape:",
        "test_exporting_check.py",
    ),
    Mutant(
        "exporting: a single unit's evidence against is for",
        "seed = (column * 2 - 1).cast(scores.dtype)",
        "seed = (column * 0 + 1).cast(scores.dtype)",
        "test_export.py",
        "single_unit",
    ),
    Mutant(
        "compat: red and blue change places",
        "return document_overlay(to_cv2(image), self.last.map)",
        "return document_overlay(image, self.last.map)",
        "test_compat_heatmap.py test_compat_tool.py test_compat_keras_document.py",
    ),
    Mutant(
        "metrics: energy counts evidence against",
        "positive = np.maximum(heat, 0, dtype=np.float64)",
        "positive = np.asarray(heat, np.float64)",
        "test_localisation.py",
    ),
]
