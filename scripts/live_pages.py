"""The site's pages with a bundled network inside: as `convscope share` writes them, but with what they share only once.

A page that is opened as a file may read no data from another file, but it may run a script of one: `live.js` puts the
shared parts where the pages look for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from convscope.serving.one_file import share

PART = re.compile(r'<script type="text/plain" (?P<attributes>data-part="[^>]*")>(?P<text>[^<]*)</script>\n')
SHARED = "live.js"
# The page's policy, and that it may run the script beside it, from a disk as from a server.
SCRIPTS = "script-src 'unsafe-inline'"
ADD = """for (const [attributes, text] of parts) {
  const part = document.createElement("script");
  part.type = "text/plain";
  Object.assign(part.dataset, attributes);
  part.textContent = text;
  document.head.append(part);
}
"""


def write_live_pages(networks: Mapping[str, bool], place: Path) -> None:
    """Write NAME.html for each network into `place`, with the epochs of its training if that is true of it.

    With all epochs a page has 2.3 MB, without any less than 1.
    """
    pages = {place / f"{name}.html": epochs for name, epochs in networks.items()}
    for path, epochs in pages.items():
        share(path.stem, path, max_mb=16 if epochs else None)
    texts = {path: path.read_text(encoding="utf-8") for path in pages}
    parts = [set(PART.findall(text)) for text in texts.values()]
    shared = set.intersection(*parts) if len(parts) > 1 else set()
    if not shared:
        return
    listed = [[_dataset(attributes), text] for attributes, text in sorted(shared)]
    (place / SHARED).write_text(f"const parts = {json.dumps(listed)};\n{ADD}", encoding="utf-8")
    for path, text in texts.items():
        short = PART.sub(lambda match: "" if match.groups() in shared else match[0], text)
        assert short.count(SCRIPTS) == 1
        short = short.replace(SCRIPTS, f"{SCRIPTS} 'self' file:")
        path.write_text(short.replace("</head>", f'<script src="{SHARED}"></script>\n</head>', 1), encoding="utf-8")


def _dataset(attributes: str) -> dict[str, str]:
    return dict(re.findall(r'data-(\w+)="([^"]*)"', attributes))
