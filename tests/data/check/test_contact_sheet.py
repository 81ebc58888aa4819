"""The contact sheet, as a picture."""

from __future__ import annotations

from PIL import Image

from convscope.data.check.contact_sheet import write_sheet
from convscope.data.check.report import check_data


def test_the_sheet_shows_images_as_the_network_would_see_them(tmp_path):
    for c, colour in (("red <b>", "red"), ("猫", "blue")):
        for i in range(12):
            path = tmp_path / f"set/{c}/{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (30 + i, 20), colour).save(path)
    write_sheet(check_data(tmp_path / "set", size=24, crop_mode="pad"), tmp_path / "sheet.png")
    image = Image.open(tmp_path / "sheet.png")
    colours = {colour for _, colour in image.getcolors(1 << 20)}
    assert {(255, 0, 0), (0, 0, 255), (0, 0, 0)} <= colours and image.width >= 8 * 24
