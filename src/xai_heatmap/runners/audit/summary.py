"""Figures of an audit: what all pictures say together. Plain numbers in, plain numbers out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from xai_heatmap.explaining.auditing.cells import dead
from xai_heatmap.explaining.auditing.figures import (
    correlation,
    error_of_mean,
    mean,
    median,
    sign_test,
    wilson,
)
from xai_heatmap.explaining.auditing.preparations import told_apart

FEWEST = 5
"""Pictures below which a share means nothing."""

TOLD = ("predicts", "naive", "chance")
"""Results of a test that passed or failed."""

Facts = dict[str, Any]
Records = Sequence[Facts]


def tested(records: Records, names: Sequence[str], usual: str | None) -> list[Facts]:
    """For each map how many pictures it passes in, with the 95 % interval of the share, and
    whether it does better or worse than the usual map (sign test over pictures).
    """
    found = []
    for name in names:
        own = [one["maps"][name] for one in records if name in one["maps"]]
        words = Counter(one["word"] for one in own)
        told = sum(words[word] for word in TOLD)
        passed = words["predicts"]
        low, high = wilson(passed, told)
        enough = told >= FEWEST
        method, _, layer = name.partition("@")
        found.append(
            {
                "name": name,
                "method": method,
                "layer": layer,
                "pictures": told,
                "passed": passed,
                "share": passed / told if enough else None,
                "low": low if enough else None,
                "high": high if enough else None,
                "agreement": median([one["agreement"] for one in own]) if enough else None,
                "words": dict(words),
                **_against(records, name, usual),
            }
        )
    return found


def _against(records: Records, name: str, usual: str | None) -> Facts:
    """Pictures in which a map passes and the usual one does not, and the other way round."""
    if usual is None or name == usual:
        return {"better": 0, "worse": 0, "p": 1.0}
    pairs = [
        (one["maps"][name]["word"], one["maps"][usual]["word"])
        for one in records
        if name in one["maps"] and usual in one["maps"]
    ]
    told = [(a == "predicts", b == "predicts") for a, b in pairs if a in TOLD and b in TOLD]
    better = sum(a and not b for a, b in told)
    worse = sum(b and not a for a, b in told)
    return {"better": better, "worse": worse, "p": sign_test(better, worse)}


def swapped(records: Records, names: Sequence[str]) -> Facts:
    """For each map how like that of another class it is, and in how many pictures the other
    class's map passes the test of the prediction.
    """
    found = {}
    for name in names:
        own = [one["other"][name] for one in records if name in one["other"]]
        told = [one["word"] for one in own if one["word"] in TOLD]
        if len(own) >= FEWEST:
            passed = sum(word == "predicts" for word in told)
            found[name] = {
                "like": median([one["like"] for one in own]),
                "pictures": len(told),
                "passed": passed,
                "share": passed / len(told) if len(told) >= FEWEST else None,
            }
    return found


def moved(records: Records, names: Sequence[str]) -> Facts:
    """For each map how like it is to that of the picture moved by a patch, moved back: median."""
    found = {}
    for name in names:
        own = [one["moved"].get(name) for one in records]
        if sum(value is not None for value in own) >= FEWEST:
            found[name] = median(own)
    return found


def agreements(records: Records, names: Sequence[str]) -> list[list[float | None]]:
    """Mean correlation of every two maps over the pictures, as rows."""
    rows: list[list[float | None]] = []
    for some in names:
        row: list[float | None] = []
        for others in names:
            each = [
                correlation(one["maps"][some]["patches"], one["maps"][others]["patches"])
                for one in records
                if some in one["maps"] and others in one["maps"]
            ]
            row.append(mean(each) if len(records) >= FEWEST else None)
        rows.append(row)
    return rows


def weights(networks: Records, names: Sequence[str]) -> list[Facts]:
    """For each drawn network how like every map is to the network's own, and in how many pictures
    it passes the test.
    """
    found = []
    for one in networks:
        if not one["weights"] and not one["error"]:
            continue  # nothing is learnt in that part
        maps = {}
        for name in names:
            own = [each[name] for each in one["maps"] if name in each]
            told = [each["passes"] for each in own if each["passes"] is not None]
            if len(own) >= FEWEST:
                maps[name] = {
                    "like": median([each["like"] for each in own]),
                    "pictures": len(told),
                    "passed": sum(told),
                }
        head = {key: one[key] for key in ("name", "kind", "said", "parts", "weights", "error")}
        found.append({**head, "pictures": len(one["maps"]), "maps": maps})
    return found


def cells(records: Records) -> list[Facts]:
    """For each layer how many channels never move in any picture, and the share of values at the
    end of its range; empty for fewer pictures than mean something.
    """
    if len(records) < FEWEST:
        return []
    found = []
    for name in records[0]["cells"]:
        own = [one["cells"][name] for one in records if name in one["cells"]]
        if len(own) < FEWEST:
            continue
        still = [{int(k): v for k, v in one["still"].items()} for one in own]
        gone = dead(list(still), max(one["largest"] for one in own))
        found.append(
            {
                "layer": name,
                "channels": own[0]["channels"],
                "dead": len(gone),
                "share": len(gone) / own[0]["channels"],
                "ended": mean([one["ended"] for one in own]),
            }
        )
    return found


def registered(records: Records, grids: Mapping[str, Sequence[int] | None]) -> list[Facts]:
    """For each layer what its cells answer to less where they are drawn: mean over pictures, in
    places of the input, with its standard error and the size of a cell.
    """
    found = []
    closer = [one for one in records if one.get("registered")]
    for name, grid in grids.items():
        own = [one["registered"].get(name) for one in closer]
        own = [one for one in own if one is not None]
        if len(own) < FEWEST or not grid:
            continue
        size = closer[0]["size"]
        axes = range(len(size))
        each = [[one["offset"][axis] for one in own] for axis in axes]
        follows = [mean([one["follows"][axis] for one in own]) for axis in axes]
        found.append(
            {
                "layer": name,
                "pictures": len(own),
                "offset": [mean(values) for values in each],
                "error": [error_of_mean(values) for values in each],
                "follows": follows,
                "size": list(size),
                "cell": [places / cells for places, cells in zip(size, grid, strict=True)],
            }
        )
    return found


def preparations(records: Records) -> list[Facts]:
    """For every way to prepare the pictures how well the network tells them apart (`told_apart`).

    `better` and `worse` count pictures in which it tells them apart better than as they were
    asked for.
    """
    closer = [one["prepared"] for one in records if one.get("prepared")]
    if len(closer) < FEWEST:
        return []
    found, asked = [], list[float]()
    for way in closer[0]:
        if not all(way in one for one in closer):
            continue
        answers, again = ([one[way]["answers"][row] for one in closer] for row in (0, 1))
        own = told_apart(answers, again)
        asked = asked or own
        better = sum(a > b for a, b in zip(own, asked, strict=True))
        worse = sum(a < b for a, b in zip(own, asked, strict=True))
        found.append(
            {
                "way": way,
                "pictures": len(closer),
                "apart": mean(own),
                "sure": mean([one[way]["sure"] for one in closer]),
                "better": better,
                "worse": worse,
                "p": sign_test(better, worse),
            }
        )
    return found


def predictions(records: Records) -> Facts:
    """What the network answers: how sure, how many classes, and what its numbers show."""
    labels = Counter(one["prediction"]["label"] for one in records if one["prediction"])
    least = [one["least_logit"] for one in records if one["least_logit"] is not None]
    own = [one["own_least"] for one in records if one.get("own_least") is not None]
    calls = [one["own_call"] for one in records if one.get("own_call") is not None]
    first = labels.most_common(1)
    return {
        "classes": records[0]["classes"],
        "kind": records[0]["kind"],
        "meaning": records[0]["meaning"],
        "sure": mean([one["probability"] for one in records]),
        "labels": len(labels),
        "most": None if not first else {"label": first[0][0], "pictures": first[0][1]},
        "least_logit": max((min(each) for each in (least, own) if each), default=None),
        "own_call": max(calls) if calls else None,
        "flat": sum(one["flat"] for one in records),
        "changing": sum(_changing(one) for one in records),
        "unmoved": sum(_all(one, "unmoved") for one in records),
        "untested": sum(_all(one, "untested") for one in records),
        "because": _because(records),
    }


def _changing(one: Facts) -> bool:
    """Whether a picture was answered differently the second time."""
    if "again" not in one:
        return False
    first, second = one["again"]
    return abs(first - second) > 1e-3 * max(abs(first), abs(second), 1e-9)


def _all(one: Facts, word: str) -> bool:
    return bool(one["maps"]) and all(own["word"] == word for own in one["maps"].values())


def _because(records: Records) -> str:
    said = Counter(
        next(iter(one["maps"].values()))["because"] for one in records if _all(one, "untested")
    )
    return said.most_common(1)[0][0] if said else ""
