"""The page that helps to choose: which method when, what it costs and how right it is."""

from collections.abc import Callable, Mapping

import measured

from xai_heatmap.apps.cli.methods import grouped
from xai_heatmap.core.registry import METHODS, MODIFIERS, Method

HEAD = """# Which method when?

Start with `gradcam` at the layer that the network suggests. Then ask yourself what you need:
"""

FIGURES = """## What each costs, and how right it is

**Cost** is the time of one map ÷ that of one bare forward pass, in PyTorch on one core of a
processor that did nothing else, at the layer that the network suggests, pixel methods at the
picture. Where fewer samples or steps than by default were taken, they stand beside it: as many as
by default, which each method's page names, cost about as many times more. **Memory** is what the
process held at most beyond a bare forward pass and the first look at the network; 0 MB: no more
than these. Methods that read attention were measured on a transformer, {transformer}, beside its
own forward pass ([how](../../benchmarks/README.md#what-each-method-costs)).

**Heat on the object** is the share of the heat that lies on the object ÷ the object's share of the
picture, the mean over so many planted **scenes** whose truth is known: 1 is chance. **Points at
it** says how often the strongest place lies on the object. Both are taken at the method's own
`auto`, with its defaults. **Shallow** is the first quantity at `{shallow}`, near the picture. The
networks there are small; on yours the order may differ: compare
([all tables](../../benchmarks/README.md#where-the-truth-is-known)).

**–** stands where there is nothing to measure: {last} is defined at the last layer alone, a map of
single pixels has no other layer, and the network of the scenes has no attention to read.
"""

LOOK = """
## See for yourself

```sh
xai-heatmap compare photo.jpg --model MODEL --methods gradcam,layercam,ablationcam --layers all
```

One sheet: a row a layer, a column a method, the verdict below each map. `xai-heatmap methods`
lists them in the terminal.
"""

Chooses = Callable[[Method], bool]

SUMS = (
    "cam",
    "fullgrad",
    "guided_ig",
    "hirescam",
    "integrated",
    "integrated_gradients",
)
"""Methods whose maps add up to the score, everywhere or under conditions that their pages name."""

ATTENTION = ("attentions", "balanced")
"""What a transformer is asked for, as evidence calls it."""


def _one_pass(method: Method) -> bool:
    return not method.passes


def _of_attention(method: Method) -> bool:
    return bool(method.needs & set(ATTENTION))


QUESTIONS: Mapping[str, tuple[Chooses, str]] = {
    "the class, near the end of a convolutional network, at once": (
        lambda m: m.name in {"gradcam", "hirescam", "gradcam_pp", "xgradcam"},
        "one forward pass and the way back from the last layer",
    ),
    "every layer, early ones included": (
        lambda m: m.name in {"layercam", "hirescam", "layercam_fused", "refinecam"},
        "one forward and one backward pass for all layers together: `--layer all`",
    ),
    "no gradients: quantised, frozen, an ONNX operator without a derivative, a plain function": (
        lambda m: not m.differentiates and m.needs != frozenset({"activation"}),
        "they run the network, or its head, again and again",
    ),
    "live video, or very many pictures": (
        lambda m: (
            (_one_pass(m) and m.auto != "input" and not m.differentiates)
            or m.name in {"gradcam", "hirescam"}
        ),
        "no backward pass, or a short one from the last layer",
    ),
    "what a layer responds to, whatever the class": (
        lambda m: m.needs == frozenset({"activation"}),
        "they know of no class: a striking background shows too",
    ),
    "single pixels": (lambda m: m.auto == "input", "`auto` is the picture itself"),
    "a map that adds up to the score": (
        lambda m: m.name in SUMS,
        "the verdict keeps what is missing; `cam` and `hirescam` add up where the head is linear",
    ),
    "evidence against as well": (lambda m: m.signed, "negative values are drawn in blue"),
    "a transformer": (
        lambda m: _of_attention(m) or m.name == "reciprocam",
        "gradients before a layer normalisation say little of where: `gradcam` may mislead",
    ),
    "nothing of the network but its scores": (
        lambda m: (
            m.needs <= {"image", "model", "head", "activation"}
            and m.auto == "input"
            and not m.differentiates
        ),
        "they need time: the picture is shown many times, partly covered",
    ),
}
"""What a reader may want, which methods give it, and what to know of them."""


def page() -> str:
    """The whole text."""
    methods = list(METHODS.values())
    rows = []
    for question, (chooses, remark) in QUESTIONS.items():
        names = [_link(method.name) for method in methods if chooses(method)]
        if names:
            rows.append(f"| {question} | {', '.join(names)} | {remark} |")
    if MODIFIERS:
        names = ", ".join(f"[`{name}:NAME`](README.md#around-any-method)" for name in MODIFIERS)
        rows.append(f"| less noise in any of them | {names} | as many times the method's cost |")
    table = ["| You want | Take | Know that |", "|---|---|---|", *rows]
    figures = [
        FIGURES.format(
            shallow=measured.SHALLOW,
            transformer=", ".join(measured.TRANSFORMERS.values()),
            last=", ".join(f"`{name}`" for name in measured.LAST),
        )
    ]
    for title, members in grouped(methods).items():
        if members:
            figures += [f"### {title.capitalize()}\n", *_measures(members), ""]
    return "\n".join([HEAD, *table, "", *figures, _baselines(), LOOK.lstrip("\n")])


def _measures(members: list[Method]) -> list[str]:
    titles = list(measured.NETWORKS.values())
    head = [
        "method",
        "gradients",
        *(f"cost, {title}" for title in titles),
        f"memory, {titles[0]}",
        "scenes",
        "heat on the object",
        "points at it",
        "shallow",
    ]
    rows = [
        [
            _link(method.name),
            "yes" if method.differentiates else "no",
            *_costs(method),
            measured.scenes(method),
            *_rightness(method),
        ]
        for method in members
    ]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def _costs(method: Method) -> list[str]:
    """The cells of time and of memory; those of a transformer say so."""
    networks = measured.networks(method)
    first = next(iter(networks))
    times = [measured.ratio(method.name, network) for network in networks]
    memory = measured.memory(method.name, first)
    if not measured.reads_attention(method):
        return [*times, memory]
    said = [f"{times[0]} on {networks[first]}", *[measured.NOTHING] * len(measured.NETWORKS)]
    return [*said[: len(measured.NETWORKS)], f"{memory} on {networks[first]}"]


def _rightness(method: Method) -> list[str]:
    """Heat on the object, how often it points there, and the heat from a layer near the picture."""
    if measured.reads_attention(method):
        return [measured.NOTHING] * 3
    layer = measured.auto(method)
    elsewhere = method.auto == "input" or method.name in measured.LAST
    return [
        _times(method.name, layer),
        measured.share(measured.right(method.name, layer, "pointing game")),
        measured.NOTHING if elsewhere else _times(method.name, measured.SHALLOW),
    ]


def _times(name: str, layer: str) -> str:
    value = measured.right(name, layer, "energy / area")
    return measured.UNKNOWN if value is None else f"{value:.2f}"


def _baselines() -> str:
    """What maps reach that know nothing of the network."""
    names = ("*random map*", "*centre Gaussian*", "*Sobel edges*")
    known = [
        f"{name.strip('*')} {_times(name, '')} "
        f"({measured.share(measured.right(name, '', 'pointing game'))})"
        for name in names
        if measured.right(name, "", "energy / area") is not None
    ]
    return f"For comparison, maps that know nothing: {', '.join(known)}.\n" if known else ""


def _link(name: str) -> str:
    return f"[`{name}`]({name}.md)"
