"""Meaning of a network's scores, logits or probabilities: a fact of the network, not of a picture.

Two numbers that are no probabilities add up to 1 for one picture and not for the next; so the
answer to pictures that nobody picked decides, once.
"""

from xai_heatmap.core.arrays import Scores
from xai_heatmap.core.boxes.detections import said
from xai_heatmap.core.targets.answer import Form, Meaning
from xai_heatmap.networks.opening.box_layout import meaning_of
from xai_heatmap.networks.opening.score_layout import sum_to_one


def may_be_probabilities(rows: Scores, form: Form) -> bool:
    """Whether at least one row of scores could be probabilities."""
    if form.boxes is not None:
        numbers = said(rows, form).reshape(len(rows), -1)
        inside = (numbers >= 0) & (numbers <= 1)
        return bool(numbers.shape[1]) and bool(inside.all(axis=1).any())
    return form.classes(rows.shape[1]) > 1 and bool((rows >= 0).all(axis=1).any())


def meaning_in(rows: Scores, form: Form, *, keep_closing: bool) -> Meaning:
    """Meaning of rows of scores: probabilities only where every row can be."""
    if form.boxes is not None:
        return meaning_of(rows, form, keep_closing=keep_closing)
    if not sum_to_one(rows, form):
        return "logits"
    return "probabilities" if keep_closing else "log-probabilities"
