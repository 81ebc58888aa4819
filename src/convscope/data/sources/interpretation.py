"""How a data set is to be understood where its files do not settle it: what the user says about folders and labels."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Interpretation:
    """What the user says about a data set.

    `folders` is auto, classes or splits: what the folders at the top are, or innermost: the folders that hold the
    images are the classes. `label_pattern` finds the label in the path of an image. `label_column` is the column of a
    table with the labels. `label_type` is auto, single or multi: how many labels an image may have. `encoding` is that
    of tables and of names in zips, "auto" to find it out. `uncertain` is auto, yes or no: what -1 counts as beside
    marks of 1 and 0. `kind` is auto, digits or photos: what the images show.
    """

    folders: str = "auto"
    label_column: str | None = None
    label_type: str = "auto"
    encoding: str = "auto"
    kind: str = "auto"
    label_pattern: str | None = None
    uncertain: str = "auto"


INTERPRETATION_OPTIONS = tuple(field.name for field in fields(Interpretation))
