"""`xai-heatmap audit`: a network looked at on its own pictures, with every check at once."""

from collections.abc import Mapping

from xai_heatmap.apps.cli.flags import Debug, Json, PrintConfig, Quiet

EPILOG = """\b
Examples:
  xai-heatmap audit model.onnx photographs/ --preprocess imagenet
  xai-heatmap audit torchvision:resnet50 photographs/ --out audit-of-resnet50
  xai-heatmap audit net.py:make list.csv --weights net.safetensors --preprocess tf
  xai-heatmap audit model.keras photographs/ --method gradcam,layercam --layer -1
  xai-heatmap audit model.onnx photographs/ --require "tested>=0.9" --quiet

\b
What is checked: predictions, order of channels and range; which method at which
layer predicts what moves the score (share with its interval); maps of another
class, of the picture moved, of the network with weights drawn again; agreement of
methods and of layers; dead and saturated layers; whether cells look where they are
drawn. Then which map holds up on this network, and why. FOLDER/audit.html is the
page, FOLDER/audit.json holds every figure. The same command goes on where it was
stopped.

\b
--require takes tested, tested.low (the lower end of the interval), recommended,
tested.METHOD@LAYER, findings, failed, dead, saturated, offset, sure; with
>=, <=, >, <. Exit codes: 0 all well   1 some pictures failed   2 the call
3 the model   4 no picture could be looked at   5 a requirement is not met
130 interrupted

\b
MODEL is as for explain: a file, net.py:make, or a hub's name. Flags can stand in
xai-heatmap.toml or in variables such as XAI_HEATMAP_MODEL, as for explain.
"""


def audit(
    flags: Mapping[str, object],
    *,
    quiet: Quiet = False,
    print_config: PrintConfig = False,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Audit a network on its own pictures: what it hangs on, and which maps of it hold up."""
    from xai_heatmap.apps.cli.auditing import audited

    return audited(flags, as_json=as_json, quiet=quiet, print_config=print_config)
