"""Words about a network that draws at random when it is only asked."""

DRAWS = "passes that drew"
"""Key under which the passes of a network that drew are kept, up to two."""

AT_RANDOM = (
    "The network draws at random in every pass, such as by a dropout that is always on: this map "
    "is of one draw, and another draw gives another. Take the drawing out, or look at several maps."
)
