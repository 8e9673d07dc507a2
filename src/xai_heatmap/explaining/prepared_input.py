"""A picture, a signal or a volume as the network takes it, with what a person sees of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from xai_heatmap.core.arrays import Image, Input
from xai_heatmap.core.geometry import Geometry, stretched
from xai_heatmap.core.network import Network
from xai_heatmap.core.targets.answer import Form
from xai_heatmap.explaining.ready import drawing


@dataclass(frozen=True)
class PreparedInput:
    """One input to explain: the picture a person sees, and the array the network takes.

    Parameters
    ----------
    image, name
        The picture, or a drawing of what is none, and what it is called.
    x
        What the network takes, channels first.
    geometry
        Which part of the picture that is; None for what is no picture.
    prepared
        How the picture was prepared.
    array
        The signal or the volume; None for a picture.
    notes
        What a reader of the map should know of it, in sentences.
    """

    image: Image
    name: str
    x: Input
    geometry: Geometry | None = None
    prepared: Mapping[str, object] = field(default_factory=dict[str, object])
    array: Input | None = None
    notes: tuple[str, ...] = ()

    def laid(self, form: Form, network: Network) -> "PreparedInput":
        """Prepared input, drawn on the input itself where the network answers places or boxes and
        the picture was flipped or turned: those are upright rectangles of the input alone.
        """
        upright = self.geometry is None or self.geometry.matrix is None
        if upright or (not form.grid and form.boxes is None):
            return self
        size = self.x.shape[1], self.x.shape[2]
        note = (
            "The preprocessing flips or turns the picture, so places and boxes are those of the "
            "network's input, which is drawn instead of the photograph."
        )
        shown = drawing(self.x, network)[0]
        notes = (*self.notes, note)
        return replace(self, image=shown, geometry=stretched(size, size), notes=notes)
