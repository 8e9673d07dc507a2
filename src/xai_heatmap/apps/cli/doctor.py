"""`xai-heatmap doctor`: what is installed, and how to get what is not."""

import importlib
import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import xai_heatmap.methods
import xai_heatmap.metrics  # noqa: F401 - registers every metric, as the line before does every method
from xai_heatmap.apps.cli.terminal import facts, print_json, print_lines, table
from xai_heatmap.core.metric import METRICS
from xai_heatmap.core.plugins import Plugin, network_plugins, registered
from xai_heatmap.core.registry import METHODS, MODIFIERS
from xai_heatmap.networks.keras.imported import keras_backend, without_log_lines

BASE = ("xai-heatmap", "numpy", "pillow", "pydantic", "typer", "rich", "onnx", "onnxruntime")

FRAMEWORKS = {
    "torch": ('pip install "xai-heatmap[torch]"', "PyTorch models"),
    "keras": ('pip install "xai-heatmap[keras]" tensorflow', ".keras, .h5, keras:NAME"),
    "tensorflow": ("pip install tensorflow", "Keras on TensorFlow"),
    "jax": ("pip install jax", "Keras on JAX"),
    "safetensors": ("pip install safetensors", "--weights FILE.safetensors"),
    "torchvision": ("pip install torchvision", "torchvision:NAME"),
    "timm": ("pip install timm", "timm:NAME"),
    "transformers": ("pip install transformers", "hf:ORG/NAME"),
}
"""Frameworks, each with the command that installs the framework, and what that is for."""

DISTRIBUTIONS = {"tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-macos")}
"""Names that a package is published under, where they are not its own."""


def examined(*, devices: bool, as_json: bool) -> int:
    """Print what is installed; frameworks are imported for their devices alone."""
    installed = {name: _installed(name) for name in FRAMEWORKS}
    backend = keras_backend() if installed["keras"] else None
    found = _devices(installed) if devices else None
    plugins = _plugins()
    if as_json:
        print_json(
            {
                "python": platform.python_version(),
                "platform": platform.platform(),
                "packages": {name: _version(name) for name in BASE},
                "frameworks": installed,
                "keras_backend": backend,
                "devices": found,
                "entry_points": [vars(plugin) for plugin in plugins],
                "missing": {n: FRAMEWORKS[n][0] for n, v in installed.items() if v is None},
            }
        )
        return 0
    _show(installed, backend, found)
    _show_plugins(plugins)
    return 0


def _plugins() -> list[Plugin]:
    """Entry points of other packages, each imported."""
    from xai_heatmap.networks import OPENERS
    from xai_heatmap.networks.loading.load import HUBS

    methods = registered("methods", (METHODS, MODIFIERS))
    return [*methods, *registered("metrics", (METRICS,)), *network_plugins([*HUBS, *OPENERS])]


def _show_plugins(plugins: list[Plugin]) -> None:
    if not plugins:
        return
    rows = [[p.package, p.group, ", ".join(p.brings) or p.name, p.problem] for p in plugins]
    head, *body = table(["other package", "brings", "names", "left out"], rows)
    print_lines([""])
    print_lines([head], style="bold")
    print_lines(body)


def _show(
    installed: dict[str, str | None], backend: str | None, found: dict[str, list[str]] | None
) -> None:
    own = ", ".join(f"{name} {_version(name)}" for name in BASE[1:])
    print_lines(
        facts(
            [
                ("xai-heatmap", _version("xai-heatmap") or "unknown"),
                ("python", f"{platform.python_version()} on {platform.platform()}"),
                ("packages", own),
                ("keras runs on", backend or ""),
            ]
        )
    )
    rows = [
        [name, installed[name] or "missing", use, "" if installed[name] else command]
        for name, (command, use) in FRAMEWORKS.items()
    ]
    head, *body = table(["framework", "version", "for", "install with"], rows)
    print_lines([""])
    print_lines([head], style="bold")
    print_lines(body)
    if found is not None:
        print_lines(["", *facts([(name, ", ".join(seen)) for name, seen in found.items()])])
    if not installed["torch"] and not installed["keras"]:
        print_lines(["", "ONNX files, functions and the demo networks open without any of these."])


def _installed(name: str) -> str | None:
    """The version of a package that can be found, without importing it."""
    if find_spec(name) is None:
        return None
    versions = (_version(distribution) for distribution in DISTRIBUTIONS.get(name, (name,)))
    return next((v for v in versions if v), "unknown version")


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _devices(installed: dict[str, str | None]) -> dict[str, list[str]]:
    asked: dict[str, Callable[[], list[str]]] = {
        "torch": _torch_devices,
        "tensorflow": lambda: [
            device.name
            for device in importlib.import_module("tensorflow").config.list_physical_devices()
        ],
        "jax": lambda: [str(device) for device in importlib.import_module("jax").devices()],
        "onnxruntime": lambda: importlib.import_module("onnxruntime").get_available_providers(),
    }
    found = {}
    for name, devices in asked.items():
        if installed.get(name, name == "onnxruntime"):
            try:
                with without_log_lines():
                    found[name] = devices()
            except Exception as error:  # noqa: BLE001 - a broken driver is what is looked for here
                found[name] = [f"fails: {type(error).__name__}: {error}"]
    return found


def _torch_devices() -> list[str]:
    torch = importlib.import_module("torch")
    cuda = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return ["cpu", *cuda, *(["mps"] if torch.backends.mps.is_available() else [])]
