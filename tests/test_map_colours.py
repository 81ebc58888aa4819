"""The colour scale says the number."""

from __future__ import annotations

import numpy as np
import torch

from convscope.map_colours import FRAMED, PAPER, coloured, on_paper, over_image


def test_colours_say_the_number():
    values = np.array([[-2, -1, 0, 0.5, 2, np.nan, FRAMED, 9]], np.float32)
    picture = np.asarray(coloured(values, 2.0).convert("RGBA"))[0].astype(int)
    assert picture[:, 3].tolist() == [255, 128, 0, 65, 255, 0, 72, 255]
    assert picture[0, 0] < picture[0, 2] and picture[4, 2] < picture[4, 0]  # blue below zero, orange above
    paper = np.asarray(on_paper(coloured(np.zeros((2, 2), np.float32), 0.0)))
    assert (paper == PAPER).all()
    over = over_image(np.zeros((4, 4), np.float32), 1.0, torch.full((3, 4, 4), 255, dtype=torch.uint8))
    assert over.size == (4, 4) and len(np.unique(np.asarray(over).reshape(-1, 3), axis=0)) == 1
