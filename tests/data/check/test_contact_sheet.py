"""The contact sheet, as a picture and as a page."""

from __future__ import annotations

import pytest
from PIL import Image

from convscope.data.check.contact_sheet import write_sheet
from convscope.data.check.report import check_data
from convscope.errors import UsageError


@pytest.mark.parametrize("ending", ["png", "html"])
def test_the_sheet_shows_images_as_the_network_would_see_them(ending, tmp_path):
    for c, colour in (("red <b>", "red"), ("猫", "blue")):
        for i in range(12):
            path = tmp_path / f"set/{c}/{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (30 + i, 20), colour).save(path)
    report = check_data(tmp_path / "set", size=24, crop_mode="pad")
    write_sheet(report, tmp_path / f"sheet.{ending}")
    content = (tmp_path / f"sheet.{ending}").read_bytes()
    if ending == "png":
        image = Image.open(tmp_path / "sheet.png")
        colours = {colour for _, colour in image.getcolors(1 << 20)}
        assert {(255, 0, 0), (0, 0, 255), (0, 0, 0)} <= colours and image.width >= 8 * 24
    else:
        text = content.decode()
        assert text.count("<img") == 16 and "red &lt;b&gt;" in text and "猫" in text and "<b>" not in text
        assert "http" not in text.replace("http-equiv", "")
    with pytest.raises(UsageError, match=r"must end in .png or .html, not 'sheet.gif'"):
        write_sheet(report, tmp_path / "sheet.gif")
