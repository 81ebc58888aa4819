"""Load the data set at an address such as `s3://bucket/folder`: class folders, a table of images, or tar shards."""

from __future__ import annotations

from ...errors import DataError, printable
from ..split import Data
from .interpretation import Interpretation
from .path import load_folder
from .remote import RemoteFile
from .remote_folder import open_remote
from .shards import is_shard_name, load_shards
from .table import TableFile, load_tables
from .table_file import is_table_name


def load_address(address: str, interpretation: Interpretation) -> Data:
    """Load the data set in a folder elsewhere, or that of a single table or shard; DataError if there is none."""
    address = address.rstrip("/")
    above, _, name = address.rpartition("/")
    shown = printable(above)
    if is_shard_name(name):
        folder = open_remote(above)
        return load_shards({"train": [(name, _found(folder.find(name), address))]}, shown, folder)
    if is_table_name(name):
        folder = open_remote(above)
        return load_tables(folder, [TableFile(name, _found(folder.find(name), address), folder)], shown, interpretation)
    return load_folder(open_remote(address), printable(address), interpretation)


def _found(file: object, address: str) -> RemoteFile:
    if not isinstance(file, RemoteFile):
        raise DataError(f"{printable(address)}: there is no such file")
    return file
