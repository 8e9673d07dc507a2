"""Findings of an audit in sentences: what a network's owner should look at, each with its figures.

A sentence says what was measured and what it may come from; that a network is wrong no check says.
"""

from collections.abc import Mapping, Sequence
from math import hypot
from typing import Any

from xai_heatmap.core.counted import counted

HALF = 0.5
"""Share of dead channels, or of values at the end of their range, from which on a layer is told."""

NEAR_ZERO = -1e-4
"""Logits of a softmax of a softmax are above this; rounding is below."""

SAME_CALL = 1e-3
"""Part of its largest number by which the model's own call may differ."""

CLEARLY, BY = 0.001, 0.02
"""p of a sign test, and least difference, at which another preparation is clearly better."""

ERRORS = 3.0
"""Standard errors that an offset has to be away from nothing."""

PART_OF_SIDE = 1 / 32
"""Part of the input's length by which an offset is seen at all."""

COLLAPSED = 0.95
"""Share of pictures with one prediction from which on that is told."""

SEVERAL = 10
"""Pictures from which on one prediction for all of them is told."""

Facts = Mapping[str, Any]


def findings(document: Facts) -> list[dict[str, str]]:
    """Everything that was found, each with the check that found it."""
    said = [
        *(("predictions", text) for text in _predictions(document)),
        *(("preprocessing", text) for text in _preparations(document)),
        *(("layers", text) for text in _cells(document["layers"])),
        *(("registration", text) for text in _registered(document["registration"])),
    ]
    return [{"check": check, "text": text} for check, text in said]


def _predictions(document: Facts) -> list[str]:
    own, audited = document["predictions"], document["pictures"]["audited"]
    if not own:
        return []
    found = []
    if own["changing"]:
        found.append(
            f"The network answers the same picture differently: {own['changing']} of "
            f"{counted(audited, 'picture')}. Dropout or noise may be on; what moves a score can't "
            "be told from chance."
        )
    least = own["least_logit"]
    twice = least is not None and least > NEAR_ZERO
    if twice:
        found.append(
            "The answers look as if a softmax was applied to a softmax: the numbers that it was "
            "given add up to 1 and none is below 0, in every picture. Probabilities are then far "
            "too even, and so are gradients; leave one of the two out."
        )
    called = own["own_call"]
    if called is not None and called > SAME_CALL and not twice and not own["changing"]:
        found.append(
            f"The model's own call answers something else than what is explained: they differ by "
            f"{called:.1%} of the largest number."
        )
    if _unmoved(document):
        found.append(
            f"In {own['unmoved']} of {counted(audited, 'picture')} nothing moves the "
            "score: with half of the "
            "picture taken away it stays where it is. What the network answers does not hang on "
            "these pictures."
        )
    if own["untested"] and not own["changing"]:
        found.append(
            f"{own['untested']} of "
            f"{counted(audited, 'picture was not tested', 'pictures were not tested')}: "
            f"{own['because']}"
        )
    return found


def _preparations(document: Facts) -> list[str]:
    ways = {one["way"]: one for one in document["preprocessing"]}
    own = ways.pop("", None)
    if own is None or _unmoved(document) or collapsed(document):
        return []  # answers that do not hang on these pictures tell nothing of preparing them
    better = [
        one
        for one in ways.values()
        if one["p"] <= CLEARLY
        and one["better"] > one["worse"]
        and one["apart"] - own["apart"] >= BY
    ]
    if not better:
        return []
    best = max(better, key=lambda one: one["apart"])
    asked = document["preprocess"].get("mode", "as asked for")
    return [
        (
            f"The network tells these pictures apart better with {best['way']} than as they were "
            f"prepared ({asked}): {best['apart']:.2f} against {own['apart']:.2f}, better in "
            f"{counted(best['better'], 'picture')}, worse in {best['worse']} (p = "
            f"{best['p']:.1g}). Check the "
            "order of channels and the range."
        )
    ]


def _unmoved(document: Facts) -> bool:
    """Whether nothing moves the score in more than half of the pictures."""
    own = document["predictions"]
    told = document["pictures"]["audited"] - own["untested"]
    return told >= SEVERAL and own["unmoved"] > HALF * told


def collapsed(document: Facts) -> bool:
    """Whether all but a few pictures have one prediction."""
    most, audited = document["predictions"]["most"], document["pictures"]["audited"]
    return bool(most) and audited >= SEVERAL and most["pictures"] >= COLLAPSED * audited


def _cells(layers: Sequence[Facts]) -> list[str]:
    found = []
    dead = [one for one in layers if one["share"] >= HALF]
    if dead:
        first = dead[0]
        also = f", and so do layers behind it ({len(dead) - 1} of them)" if len(dead) > 1 else ""
        found.append(
            f"{first['dead']} of {counted(first['channels'], 'channel')} of "
            f"{first['layer']} have one and the "
            f"same value at every place of every picture{also}: they tell nothing of any picture."
        )
    full = [one for one in layers if one["ended"] is not None and one["ended"] >= HALF]
    if full:
        first = full[0]
        also = f" ({counted(len(full) - 1, 'more layer')} likewise)" if len(full) > 1 else ""
        found.append(
            f"{first['ended']:.0%} of the values of {first['layer']} stand at the end of its "
            f"range{also}, where an activation function is flat: no gradient comes through there."
        )
    return found


def displaced(one: Facts) -> bool:
    """Whether a layer's cells answer from elsewhere than they are drawn: by half a cell or more, by
    more than is seen at once, and surely.
    """
    each = zip(one["offset"], one["cell"], one["error"], one["size"], strict=True)
    return followed(one) and any(
        abs(off) > max(cell / 2, PART_OF_SIDE * size, ERRORS * error)
        for off, cell, error, size in each
    )


def followed(one: Facts) -> bool:
    """Whether a layer's cells keep places of their own, so that an offset means something."""
    return all(own is not None and own >= HALF for own in one["follows"])


def _registered(layers: Sequence[Facts]) -> list[str]:
    away = [one for one in layers if displaced(one)]
    if not away:
        return []
    worst = max(away, key=lambda one: hypot(*one["offset"]))
    by = ", ".join(f"{own:+.1f}" for own in worst["offset"])
    also = f" ({len(away)} layers do)" if len(away) > 1 else ""
    return [
        (
            f"Cells of {worst['layer']} answer to what lies {_axes(len(worst['offset']))} ({by}) "
            f"places of the input from what they are drawn over{also}; a cell is "
            f"{worst['cell'][0]:.0f} "
            "places. Heat of this layer lies that far off; a network with random weights does so."
        )
    ]


def _axes(axes: int) -> str:
    return "(down, right)" if axes == 2 else "along its axes"


def notes(document: Facts) -> list[str]:
    """What is to be known of the figures, and is no finding."""
    pictures, own = document["pictures"], document["predictions"]
    found = []
    if pictures["audited"] < pictures["fewest"]:
        found.append(
            f"{counted(pictures['audited'], 'picture is too few', 'pictures are too few')} "
            "for any share, interval or comparison; "
            f"give at least {pictures['fewest']}, better a hundred."
        )
    if pictures["failed"]:
        found.append(
            f"{pictures['failed']} of {counted(pictures['asked'], 'picture')} could not be "
            "looked at; the "
            f"first: {document['errors'][0]['id']}: {document['errors'][0]['message']}"
        )
    if pictures["asked"] < pictures["of"]:
        found.append(
            f"{pictures['asked']} of "
            f"{counted(pictures['of'], 'picture was taken', 'pictures were taken')}, evenly."
        )
    if not own:
        return found
    if own["flat"]:
        found.append(
            f"{counted(own['flat'], 'picture is flat', 'pictures are flat')}: one colour "
            "throughout."
        )
    if collapsed(document):
        most = own["most"]
        found.append(
            f"{most['pictures']} of "
            f"{counted(pictures['audited'], 'picture is predicted', 'pictures are predicted')} as "
            f"{most['label']!r}. Where "
            "they are not all of it, the network does not see what it was trained on; where they "
            "are, preprocessing can't be judged by them."
        )
    unclear = [one["layer"] for one in document["registration"] if not followed(one)]
    if unclear:
        found.append(
            f"Cells of {', '.join(unclear)} answer to everything everywhere, so that they have no "
            "place of their own to be checked."
        )
    failed = [one["error"] for one in document["weights"] if one["error"]]
    if failed:
        found.append(f"Weights were not drawn again: {failed[0]}")
    return found
