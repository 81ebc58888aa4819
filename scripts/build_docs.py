"""Build the documentation site, in Chinese and English and without a network: `python -m scripts.build_docs [FOLDER]`.

The pages of docs/zh and docs/en are copied to a folder of their own, where each link that only makes sense elsewhere
is changed: one to a line of code leads to a page with that code, one to the page of `convscope serve` leads to the same
page as a file of the site. The reference of the command line is written from the code. Zensical makes HTML of it all.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs

import yaml

from scripts.command_reference import command_reference
from scripts.coverage_table import coverage_table
from scripts.live_pages import write_live_pages
from scripts.network_gallery import DIAGRAMS, network_gallery, write_diagrams
from scripts.python_reference import python_reference
from scripts.smaller_site import make_smaller

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SITE = ROOT / "src" / "convscope" / "learn" / "site"
LARGEST = 10_000_000
# Zensical takes it from another host; it lets the search work in a site that is opened as files.
SHIM = "https://unpkg.com/iframe-worker/shim"
# The theme's script reads the words for the search from search.js where the site is opened as files, else from
# search.json, which holds the same.
AS_FILES = 'location.protocol==="file:"?'
LIVE = re.compile(r"http://127\.0\.0\.1:8000/#(?P<state>[^\s)>\"]+)")
SOURCE = re.compile(r"\]\((?:\.\./)+(?P<path>(?:src|examples|benchmarks)/[^)#\s]+)(?:#L(?P<line>\d+))?\)")
OTHER = re.compile(r"\]\((?:\.\./)+(zh|en)/([^)#]+)\.md")  # a link to the other language
SECTIONS = {
    "zh": {"course": "课程", "tutorials": "对照教程", "guides": "操作指南", "reference": "参考"},
    "en": {"course": "Course", "tutorials": "Tutorials", "guides": "How-to guides", "reference": "Reference"},
}
FIRST = ("index.md", "start.md")  # before the sections; every other page that lies in no section comes after them


def main(words: list[str]) -> None:
    """Build the site into the folder that is named, or into the package, and say how large it is."""
    target = Path(words[0]).absolute() if words else SITE
    build(target)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    print(f"site       {target} ({size / 1e6:.1f} MB)")
    if size > LARGEST:
        raise SystemExit(f"error: the site is larger than {LARGEST / 1e6:.0f} MB, which the package must hold")


def build(target: Path, live: bool = True) -> None:
    """Write the site into `target`, in place of what is there.

    Without `live` it is made in seconds: it lacks the page with each network inside.
    """
    networks: dict[str, bool] = {}  # whether a link leads to one of its epochs
    sources: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "site"
        place.mkdir()
        for language in SECTIONS:
            _stage(language, Path(folder) / language, networks, sources)
            _make_html(Path(folder) / language, place / language)
        _share_assets(place)
        write_diagrams(place / DIAGRAMS)
        for source in sorted(sources):
            _write_code_page(source, place)
        make_smaller(place)
        if live:
            write_live_pages(networks, place)
        shutil.copy(DOCS / "assets" / "index.html", place / "index.html")
        shutil.copytree(DOCS / "assets" / "iframe-worker", place / "iframe-worker")
        _check(place, set() if live else set(networks))
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(place, target)


def _stage(language: str, place: Path, networks: dict[str, bool], sources: set[str]) -> None:
    """Copy the pages of a language and their configuration; note what they link to in `networks`, `sources`."""
    pages = place / "pages"
    shutil.copytree(DOCS / language, pages)
    reference = pages / "reference"
    reference.mkdir(exist_ok=True)
    made = {
        "command-line.md": command_reference(language),
        "python.md": python_reference(language),
        "networks.md": network_gallery(language),
        "tutorial-items.md": coverage_table(language),
    }
    for name, text in made.items():
        (reference / name).write_text(text, encoding="utf-8")
    for page in sorted(pages.rglob("*.md")):
        up = "../" * len(page.relative_to(pages).parts)  # from the page to the folder of both languages
        text = page.read_text(encoding="utf-8")
        text = LIVE.sub(partial(_live_link, up, language, networks), _with_live_page(text))
        text = SOURCE.sub(partial(_source_link, up, sources), text)
        page.write_text(OTHER.sub(rf"]({up}\1/\2.html", text), encoding="utf-8")
    configuration = yaml.safe_dump(_configuration(language, pages), allow_unicode=True)
    shutil.copy(DOCS / "assets" / "site.css", pages / "site.css")
    (place / "mkdocs.yml").write_text(configuration, encoding="utf-8")


def _with_live_page(text: str) -> str:
    """Return a page with the live page in a frame beneath the first paragraph that links to it."""
    first = LIVE.search(text)
    if first is None:
        return text
    end = text.find("\n\n", first.end())
    end = len(text) if end < 0 else end
    frame = f'<iframe class="live" title="ConvScope" loading="lazy" src="{first[0]}"></iframe>'
    return f"{text[:end]}\n\n{frame}{text[end:]}"


def _live_link(up: str, language: str, networks: dict[str, bool], match: re.Match[str]) -> str:
    """Return the link to the live page as a file, at the same state and in the language of the page."""
    network = parse_qs(match["state"]).get("model", ["mnist-lenet5"])[0]
    networks[network] = networks.get(network, False) or "epoch" in match["state"]
    return f"{up}{network}.html#{match['state']}&lang={language}"


def _source_link(up: str, sources: set[str], match: re.Match[str]) -> str:
    """Return the end of a link to a source file: the page with its code, at the same line."""
    sources.add(match["path"])
    return f"]({up}code/{match['path']}.html" + (f"#L-{match['line']})" if match["line"] else ")")


def _configuration(language: str, pages: Path) -> dict[str, object]:
    """Return Zensical's configuration; the navigation follows from the folders and the pages' first headings."""
    loose = [page for page in sorted(pages.glob("*.md")) if page.name not in FIRST]
    nav: list[object] = [_entry(pages / name, pages) for name in FIRST]
    for folder, title in SECTIONS[language].items():
        found = sorted((pages / folder).glob("*.md"), key=lambda page: (page.stem != "index", page.name))
        if found:
            nav.append({title: [_entry(page, pages) for page in found]})
    nav += [_entry(page, pages) for page in loose]
    shared = yaml.safe_load((DOCS / "site.yml").read_text(encoding="utf-8"))
    languages = (("zh", "中文"), ("en", "English"))
    return {
        **shared,
        "docs_dir": "pages",
        "site_dir": "site",
        "nav": nav,
        "theme": {**shared["theme"], "language": language},
        "extra": {
            "alternate": [{"name": name, "lang": code, "link": f"../{code}/index.html"} for code, name in languages]
        },
    }


def _entry(page: Path, pages: Path) -> dict[str, str]:
    """Return one line of the navigation: the first heading of a page and its path."""
    heading = re.search(r"^# (.+)$", page.read_text(encoding="utf-8"), flags=re.M)
    if heading is None:
        raise SystemExit(f"error: {page.relative_to(pages)} has no heading: begin it with '# Title'")
    return {heading[1]: page.relative_to(pages).as_posix()}


def _make_html(place: Path, target: Path) -> None:
    """Run Zensical and put its site where it belongs."""
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", str(place / "mkdocs.yml")]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"error: the site of {place.name} cannot be built:\n{done.stdout}{done.stderr}")
    shutil.move(place / "site", target)
    shutil.rmtree(target / "assets" / "stylesheets" / "classic", ignore_errors=True)  # of the theme's other variant
    for page in target.rglob("*.html"):
        up = "../" * len(page.relative_to(target).parts)
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace(SHIM, f"{up}iframe-worker/shim.js"), encoding="utf-8")


def _share_assets(place: Path) -> None:
    """Let both languages use one copy of the theme's scripts and styles, a twentieth of the site."""
    first, second = (place / language for language in SECTIONS)
    shutil.move(first / "assets", place / "assets")
    shutil.rmtree(second / "assets")
    _keep_one_index(place)
    for page in place.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(re.sub(r'"(?:\./)?((?:\.\./)*)assets/', r'"../\1assets/', text), encoding="utf-8")


def _keep_one_index(place: Path) -> None:
    """Let the search read search.js in every case, and remove search.json; if the theme is another, both stay."""
    (bundle,) = (place / "assets" / "javascripts").glob("bundle.*.js")
    script = bundle.read_text(encoding="utf-8")
    if script.count(AS_FILES + "ct(") == 1:
        bundle.write_text(script.replace(AS_FILES + "ct(", "true?ct("), encoding="utf-8")
        for language in SECTIONS:
            (place / language / "search.json").unlink()


def _write_code_page(source: str, place: Path) -> None:
    """Write a source file as a page with numbered lines."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_for_filename

    path = place / "code" / f"{source}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    style = HtmlFormatter(full=True, title=source, linenos="inline", lineanchors="L", anchorlinenos=True)
    path.write_text(
        highlight((ROOT / source).read_text(encoding="utf-8"), get_lexer_for_filename(source), style), encoding="utf-8"
    )


def _check(place: Path, left_out: set[str]) -> None:
    """Stop if a page would load anything from another host, or links to a file that is not there."""
    for page in sorted(place.glob("[ez][nh]/**/*.html")):
        text = page.read_text(encoding="utf-8")
        foreign = re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"(https?://[^\"]+)", text)
        if foreign:
            raise SystemExit(f"error: {page.relative_to(place)} would load {foreign[0]}")
        for target in re.findall(r"(?:href|src)=\"([^\"#:]+?)(?:#[^\"]*)?\"", text):
            missing = not (page.parent / target).exists() and Path(target).stem not in left_out
            if missing and page.name != "404.html":
                raise SystemExit(f"error: {page.relative_to(place)} links to {target}, which is not there")


if __name__ == "__main__":
    main(sys.argv[1:])
