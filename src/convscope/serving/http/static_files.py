"""Static files: the files of the page, served unchanged."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

PAGE = Path(__file__).parents[1] / "page"
# Not taken from the operating system: on some, JavaScript is text/plain, and browsers refuse such modules.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
    ".md": "text/plain; charset=utf-8",
}


class PageFiles(StaticFiles):
    """Serves the files below `page/`, nothing outside and no dot files. Browsers revalidate them each time (ETag)."""

    def __init__(self, folder: Path = PAGE):
        super().__init__(directory=folder, html=True, check_dir=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file, 304 if the browser has it, or raise 404."""
        if "\0" in path or any(part.startswith(".") and part != "." for part in path.replace("\\", "/").split("/")):
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        ending = Path(path).suffix.lower() if path not in (".", "") else ".html"
        if ending in TYPES and response.status_code == 200:
            response.headers["content-type"] = TYPES[ending]
        response.headers["cache-control"] = "no-cache"
        return response
