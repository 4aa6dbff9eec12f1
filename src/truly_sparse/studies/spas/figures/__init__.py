"""Figures, one file each: `data(inputs)` returns what is drawn, `draw(frame, preset)` draws it."""
