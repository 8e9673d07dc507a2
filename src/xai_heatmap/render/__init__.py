"""Pictures of maps: heat, colour maps, overlay, contours, legend, sheet. Arrays in, arrays out."""
