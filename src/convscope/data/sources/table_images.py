"""Find the image files that a table names: beside the table, or in the folders around it, in one place only."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from urllib.parse import unquote

from ...errors import DataError, printable
from ...problems import listed
from ..image_file import IMAGE_SUFFIXES
from .archive_folder import is_archive_name
from .class_folders import CONTAINERS
from .folder import File, Folder, has_image_suffix
from .split_names import split_of, split_of_path
from .table_columns import ROWS_TRIED, LabelledRow, LabelledTable

# Suffixes that may be left out of a path in a table, the usual ones first; also in upper case.
USUAL_SUFFIXES = (".jpg", ".jpeg", ".png")
OPTIONAL_SUFFIXES = tuple(
    cased for end in dict.fromkeys((*USUAL_SUFFIXES, *sorted(IMAGE_SUFFIXES))) for cased in (end, end.upper())
)
ADDRESS = re.compile(r"[a-z][a-z0-9+]*://", re.IGNORECASE)
# Paths that are those of one machine or server, and Label Studio's: of uploads, which get eight digits before their
# names, and of files on its own disk.
ABSOLUTE = re.compile(r"/|[a-z]:/|~/|[a-z][a-z0-9+]*://", re.IGNORECASE)
UPLOADED = re.compile(r"(?:https?://[^/]+)?/?data/upload/(?:\d+/)?(?=[^/]+$)", re.IGNORECASE)
SERVED = re.compile(r"(?:https?://[^/]+)?/?data/local-files/\?d=", re.IGNORECASE)
UPLOAD_DIGITS = re.compile(r"[0-9a-f]{8}-(?=.)", re.IGNORECASE)


@dataclass(frozen=True)
class FoundImage:
    """The file of a row: its name in the data set, the file, and the split that its folders name, or None."""

    name: str
    item: File
    split: str | None


class ImageFinder:
    """Finds files by their paths in tables; `outside` counts those that lie outside of the data set's root.

    `root` is the folder of the data set. Files are looked up relative to a table's folder, then by their names in the
    folders of the root, of which those for splits and containers such as `images/` are opened as well.
    """

    def __init__(self, root: Folder):
        self.root, self.outside = root, 0
        self.bases = [root]
        for inner in root.folders():
            self.bases.append(inner)
            deeper = inner.folders()
            if not split_of(inner.name) and inner.name.lower() not in CONTAINERS:
                # `part_1/images/`, or a folder in one of the same name
                deeper = [each for each in deeper if each.name.lower() in CONTAINERS or each.name == inner.name]
            self.bases += deeper
        self._files: dict[tuple[str, str], Mapping[str, File]] = {}
        self._inner: Set[str] | None = None
        self._bases_of: dict[str, list[Folder]] | None = None
        self.prefix = ""

    def exists(self, path: str) -> bool:
        """Whether a table's cell is the path of a file somewhere; a missing suffix is added."""
        return any(self._in(base, each) for each in self._readings(path) for base in self._candidates(each, []))

    def find_row(self, row: LabelledRow, where: str, preferred: Sequence[Folder] = ()) -> FoundImage:
        """Return the file of a row, as `find` does; of several, or if there is none, that in the folder of its label.

        Raises DataError as well if there is one elsewhere and another one in the folder of its label.
        """
        in_class = f"{row.labels[0]}/{row.path}" if len(row.labels) == 1 and "/" not in row.path else ""
        if (
            not in_class
            or row.labels[0] not in self._inner_names()
            or any(self._in(each, row.path) for each in preferred)
        ):
            return self.find(row.path, row.line, where, preferred)
        try:
            found = self.find(row.path, row.line, where)
        except DataError:
            if not self.exists(in_class):
                raise
            return self.find(in_class, row.line, where)
        if self.exists(in_class) and (other := self.find(in_class, row.line, where)).item != found.item:
            first, second = printable(found.item), printable(other.item)
            raise DataError(
                f"{where}: line {row.line}: '{printable(row.path)}' may be {first} or {second}: write the path "
                "from the table's folder on"
            )
        return found

    def _inner_names(self) -> Set[str]:
        """Return the names of all folders in the folders that are searched."""
        if self._inner is None:
            self._inner = {inner.name for base in self.bases for inner in base.folders()}
        return self._inner

    def find(self, path: str, line: int, where: str, preferred: Sequence[Folder] = ()) -> FoundImage:
        """Return the file at `path` of a line; `preferred` folders are searched first.

        Raises DataError if it is nowhere, or in several places of which none is preferred.
        """
        for reading in self._readings(path):
            if found := self._find_at(reading, line, where, preferred):
                uploaded = UPLOADED.match(path)
                if reading != path:
                    self.prefix = self.prefix or (
                        uploaded[0] if uploaded else path.replace("\\", "/")[: len(path) - len(reading)]
                    )
                return found
        raise DataError(f"{where}: line {line}: {self._why_missing(path)}")

    def _readings(self, path: str) -> Iterator[str]:
        """Yield a path, and if it is that of another machine what may be left of it here: without what comes first.

        Once one image was found so, all others are to begin with the same.
        """
        yield path
        text = path.replace("\\", "/")
        for known in (UPLOADED, SERVED):
            if match := known.match(text):
                name = unquote(text[match.end() :])
                yield from dict.fromkeys((name, UPLOAD_DIGITS.sub("", name, count=1)) if known is UPLOADED else (name,))
                return
        if not ABSOLUTE.match(text):
            return
        if self.prefix:
            if text.startswith(self.prefix):
                yield text[len(self.prefix) :]
            return
        steps = text.split("/")
        for i in range(1, len(steps)):
            yield "/".join(steps[i:])

    def _find_at(self, path: str, line: int, where: str, preferred: Sequence[Folder]) -> FoundImage | None:
        for base in (*preferred, self.root):
            if found := self._in(base, path):
                self._refuse_two_suffixes(base, path, f"{where}: line {line}")
                return self._image(base, path, *found)
        places = [(base, found) for base in self._candidates(path, preferred) if (found := self._in(base, path))]
        if len({found[1] for _, found in places}) > 1:
            first, second = (printable(f"{base.path}/{path}") for base, _ in places[:2])
            raise DataError(
                f"{where}: line {line}: '{printable(path)}' may be {first} or {second}: write the path from the "
                "table's folder on"
            )
        if not places:
            return None
        self._refuse_two_suffixes(places[0][0], path, f"{where}: line {line}")
        return self._image(places[0][0], path, *places[0][1])

    def _refuse_two_suffixes(self, base: Folder, path: str, where: str) -> None:
        """Raise DataError if a path without suffix is that of several images in one folder: `0.jpg` and `0.png`."""
        if has_image_suffix(path):
            return
        above, _, name = path.replace("\\", "/").rpartition("/")
        if (base.path, above) not in self._files:
            folder: Folder | None = base
            for step in filter(None, above.split("/")):
                folder = folder.folder(step) if folder else None
            self._files[base.path, above] = folder.files() if folder else {}
        files = self._files[base.path, above]
        names = [name + end for end in ("", *OPTIONAL_SUFFIXES) if name + end in files]
        if len(names) > 1:
            text = f"'{printable(path)}' may be {printable(names[0])} or {printable(names[1])}: write the suffix"
            raise DataError(f"{where}: {text}")

    def _candidates(self, path: str, preferred: Sequence[Folder]) -> list[Folder]:
        """Return the folders that may hold a path; a bare name is looked up in the folders' lists of files."""
        if "/" in path or "\\" in path:
            return [base for base in self.bases if base not in preferred]
        if self._bases_of is None:
            self._bases_of = defaultdict(list)
            for base in self.bases:
                for name in base.files():
                    self._bases_of[name].append(base)
        return [base for name in _spellings(path) for base in self._bases_of.get(name, ())]

    def _why_missing(self, path: str) -> str:
        if ADDRESS.match(path):
            return f"'{printable(path)}' is an address: download the images, and write where the files lie"
        archives = [name for name in self.root.files() if is_archive_name(name)]
        unpack = f" ({printable(archives[0])} is not unpacked)" if archives else ""
        return f"there is no file '{printable(path)}'{unpack}: paths must be relative to the table's folder"

    def _in(self, base: Folder, path: str) -> tuple[str, File] | None:
        """Return the path, with its suffix and forward slashes, and the file at it in one folder."""
        for text in dict.fromkeys((path, path.replace("\\", "/"))):
            for spelling in _spellings(text):
                if (item := base.find(spelling)) is not None:
                    return text, item
        return None

    def _image(self, base: Folder, path: str, text: str, item: File) -> FoundImage:
        self.outside += _leads_out(text)
        inside = f"{base.path}/{text}" if base.path else text
        split = None if _leads_out(text) else split_of_path(_below(self.root.path, inside))
        # In a folder of a split the name alone may stand for other images in other splits.
        return FoundImage(inside if split_of_path(f"{_below(self.root.path, base.path)}/x") else path, item, split)


def columns_of_other_images(table: LabelledTable, root: Folder, where: str, preferred: Sequence[Folder]) -> str:
    """Name the columns beside that of the images whose cells are other images; an empty text if there is none."""
    pairs: dict[str, list[tuple[LabelledRow, str]]] = defaultdict(list)
    for row in table.rows[:ROWS_TRIED]:
        for title, cell in row.further:
            pairs[title].append((row, cell))
    titles = []
    for title, cells in pairs.items():
        if not all(has_image_suffix(cell) for _, cell in cells):
            continue
        finder = ImageFinder(root)
        try:
            if all(
                finder.find(row.path, row.line, where, preferred).item
                != finder.find(cell, row.line, where, preferred).item
                for row, cell in cells
            ):
                titles.append(title)
        except DataError:
            continue
    return f"columns {listed(titles)}" if len(titles) > 1 else f"the cells of column {listed(titles)}" if titles else ""


def _spellings(path: str) -> list[str]:
    """Return how a path may be spelled on the disk: as it is, with its suffix in another case, or with one."""
    stem, suffix = os.path.splitext(path)  # noqa: PTH122
    if has_image_suffix(path):
        return list(dict.fromkeys((path, stem + suffix.lower(), stem + suffix.upper())))
    return [path + end for end in ("", *OPTIONAL_SUFFIXES)]


def _below(root: str, path: str) -> str:
    return path[len(root) + 1 :] if root and path.startswith(f"{root}/") else path


def _leads_out(path: str) -> bool:
    return os.path.isabs(path) or os.path.normpath(path).startswith("..")  # noqa: PTH117
