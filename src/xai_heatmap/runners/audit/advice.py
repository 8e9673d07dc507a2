"""Recommendation of an audit: which method and layer hold up on this network, and why."""

from collections.abc import Mapping, Sequence
from typing import Any

from xai_heatmap.core.counted import counted

ALPHA = 0.05
"""Largest p, over all maps together, at which another map is better than the usual one."""

HOLDS = 0.5
"""Share of pictures that a map has to pass in, at least."""

UNMOVED = 0.7
"""Correlation from which on a map is the same whatever is explained, or whatever was learnt."""

Facts = Mapping[str, Any]


def advice(document: Facts) -> dict[str, Any]:
    """The map to use, with its evidence in sentences; without a name where none holds up."""
    told = [one for one in document["tested"] if one["share"] is not None]
    if not told:
        return _none("Nothing is recommended: there were too few tested pictures.")
    usual = next((one for one in told if one["name"] == document["usual"]), None)
    best = usual or max(told, key=lambda one: (one["low"], one["agreement"] or 0))
    better = [
        one for one in told
        if usual is not None
        and one["better"] > one["worse"]
        and one["p"] * (len(told) - 1) <= ALPHA
        and not _unmoved(document, one["name"])
    ]  # fmt: skip
    why = []
    if better:
        best = max(better, key=lambda one: (one["low"], one["agreement"] or 0))
        why.append(
            f"It passes where {document['usual']} does not in "
            f"{counted(best['better'], 'picture')}, and the "
            f"other way round in {best['worse']} (p = {best['p'] * (len(told) - 1):.2g}, for "
            f"{counted(len(told) - 1, 'comparison')})."
        )
    elif usual is not None:
        why.append("No other map does surely better on these pictures, so the usual one stays.")
    share = f"{best['passed']} of {counted(best['pictures'], 'picture')}"
    interval = f"{best['share']:.0%}, 95 % interval {best['low']:.0%} to {best['high']:.0%}"
    if best["share"] < HOLDS:
        return _none(
            f"No map holds up on this network: the best candidate, {best['name']}, predicts what "
            f"moves the score in {share} ({interval})."
        )
    first = f"It predicts what moves the score in {share} ({interval})."
    unmoved = best["words"].get("unmoved", 0)
    if unmoved:
        first += f" In {unmoved} more nothing moves the score, so that no map can say what does."
    evidence = [first, *why, *_evidence(document, best["name"])]
    return {"name": best["name"], "method": best["method"], "layer": best["layer"],
            "share": best["share"], "low": best["low"], "because": evidence}  # fmt: skip


def _none(because: str) -> dict[str, Any]:
    return {"name": None, "method": None, "layer": None, "share": None, "low": None,
            "because": [because]}  # fmt: skip


def _unmoved(document: Facts, name: str) -> bool:
    """Whether a map stays the same where every weight is drawn again."""
    like = _all_drawn(document["weights"]).get(name, {}).get("like")
    return like is not None and like >= UNMOVED


def _all_drawn(networks: Sequence[Facts]) -> Mapping[str, Any]:
    """Maps of the network of which every weight was drawn again; empty where there is none."""
    every = [one for one in networks if one["kind"] == "cascade" and 0 in one["parts"]]
    return every[0]["maps"] if every else {}


def _evidence(document: Facts, name: str) -> list[str]:
    found = []
    other = document["class_swap"].get(name)
    if other is not None and other["share"] is not None:
        found.append(
            f"Maps of another class do so in {other['passed']} of {other['pictures']}"
            + (f" (correlation {other['like']:.2f})." if other["like"] is not None else ".")
        )
    drawn = _all_drawn(document["weights"]).get(name)
    if drawn is not None and drawn["like"] is not None:
        found.append(
            f"With every weight drawn again its correlation with itself is {drawn['like']:.2f}, "
            f"and it passes in {drawn['passed']} of {drawn['pictures']}."
        )
    moved = document["input_shift"].get(name)
    if moved is not None:
        found.append(f"Where the picture is moved the map moves with it: correlation {moved:.2f}.")
    return found
