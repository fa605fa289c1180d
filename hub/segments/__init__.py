"""Fluid micro-segments: rules over cells and context, their life, and how new ones are found."""
