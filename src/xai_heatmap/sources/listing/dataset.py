"""Pictures of a data set of Hugging Face, by its name or in a folder."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

from xai_heatmap.core.errors import ImageNotFound
from xai_heatmap.sources.hugging import SIGN, part_of, read_name, splits_of
from xai_heatmap.sources.listing.entry import Entry, absolute


def in_dataset(source: str) -> Iterator[Entry]:
    """Entries of all rows of a data set, split by split, with their labels by name.

    Parameters
    ----------
    source
        ``hf:ORG/NAME``, ``hf:FOLDER`` or a folder that ``save_to_disk`` wrote; behind a name may
        stand ``?split=test&config=NAME&column=image``.

    Raises
    ------
    BadOption
        For another question behind the name, and for a data set without a column of pictures.
    ImageNotFound
        If there is none of that name, or it can't be had; where the package is missing.
    """
    name, asked = read_name(source)
    name = absolute(name) if Path(name).is_dir() else name
    rows = 0
    for split in [asked["split"]] if "split" in asked else splits_of(name, asked.get("config")):
        part = {"split": split} | {key: asked[key] for key in ("config",) if key in asked}
        opened = part_of(name, split, asked.get("config"), asked.get("column"))
        uri = f"{SIGN}{quote(name)}?{urlencode(part | {'column': opened.picture})}"
        for place, label in enumerate(opened.labels()):
            rows += 1
            yield Entry(f"{split}/{place}", f"{uri}#{place}", label)
    if not rows:
        raise ImageNotFound(f"The data set {source!r} has no rows.")
