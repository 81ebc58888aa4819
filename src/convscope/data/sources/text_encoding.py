"""Decode text whose encoding is not known, where that can be done for sure: names in zips, tables, lists, folders.

UTF-8 and byte-order marks are believed. Otherwise a legacy encoding is believed if it alone gives plausible text: all
characters valid, and those outside ASCII common in the languages that the encoding is for.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from ...errors import DataError, printable

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
# Encodings that are tried, with what users call them.
LEGACY = {"gb18030": "GB18030", "big5": "Big5", "cp932": "Shift-JIS", "euc_kr": "EUC-KR", "cp1252": "Windows-1252"}
# The encoding of names in zips where nothing else is said.
OF_ZIPS = {"cp437": "DOS"}
ALL = LEGACY | OF_ZIPS
# First bytes of the common characters: level 1 of GB 2312 and of Big5; kana and level 1 of JIS; Hangul of KS X 1001.
COMMON = {"gb18030": (0xB0, 0xD7), "big5": (0xA4, 0xC6), "cp932": (0x82, 0x98), "euc_kr": (0xB0, 0xC8)}
# Share of a text's characters outside ASCII that must be common, and letters of a Western word that may be accented.
COMMON_SHARE, ACCENTED_SHARE, DOS_SHARE = 0.9, 0.5, 0.45
# What is shown of each reading where there are two.
EXCERPT = 40


class UnclearEncodingError(DataError):
    """Text of which no single encoding can be told."""


def decode_text(content: bytes, where: str, encoding: str = "auto") -> str:
    """Return the text of a file; DataError, which names `where`, if its encoding is in doubt or not the given one."""
    for mark, name in BYTE_ORDER_MARKS:
        if content.startswith(mark) and encoding == "auto":
            try:
                return content.decode(name)
            except UnicodeDecodeError as problem:
                raise DataError(f"{where}: not the {name.upper()} text that its first bytes announce") from problem
    return decode_names([content], where, encoding)[0]


def decode_names(names: Sequence[bytes], where: str, encoding: str = "auto", more: Sequence[str] = ()) -> list[str]:
    """Return names that were all written in one encoding; UnclearEncodingError if there is none, or more than one.

    `more` are encodings that are possible there besides the usual ones: of `OF_ZIPS` in zips.
    """
    if encoding != "auto":
        try:
            return [name.decode(encoding) for name in names]
        except LookupError as problem:
            raise DataError(f"{where}: no encoding is called '{printable(encoding)}': try gb18030") from problem
        except UnicodeDecodeError as problem:
            raise DataError(f"{where}: not text in {printable(encoding)}: choose another --encoding") from problem
    if (texts := _decoded(names, "utf-8")) is not None:  # also where there is no name
        return texts
    readings = {
        name: texts for name in (*LEGACY, *more) if (texts := _decoded(names, name)) and _plausible(texts, name)
    }
    different = {tuple(texts): name for name, texts in reversed(readings.items())}
    if len(different) == 1:
        return list(next(iter(different)))
    if not different:
        raise UnclearEncodingError(
            f"{where}: neither UTF-8 nor any other encoding for sure: say which with --encoding NAME"
        )
    shown = " or ".join(f"'{_excerpt(texts)}' in {ALL[name]}" for texts, name in sorted(different.items())[:3])
    raise UnclearEncodingError(
        f"{where}: may be {shown}: choose with --encoding ({', '.join(sorted(different.values()))})"
    )


def _decoded(names: Sequence[bytes], encoding: str) -> list[str] | None:
    try:
        return [name.decode(encoding) for name in names]
    except UnicodeDecodeError:
        return None


def _plausible(texts: Sequence[str], encoding: str) -> bool:
    text = "\n".join(texts)
    if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd]", text):
        return False
    if encoding == "cp1252":
        return all(map(_is_western, re.findall(r"[^\W\d_]+", text))) and not re.search(r"[^\x00-\u024f‘’“”–—…€]", text)
    if encoding == "cp437":
        words = [word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()]
        accented = sum(ord(letter) > 0x7F for word in words for letter in word)
        western = re.fullmatch(r"[\x00-\x7fÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜáíóúñÑß]*", text)
        return western is not None and accented <= DOS_SHARE * sum(map(len, words))
    wide = [character for character in text if ord(character) > 0x7F]
    low, high = COMMON[encoding]
    common = [character for character in wide if low <= character.encode(encoding)[0] <= high]
    return len(common) >= COMMON_SHARE * len(wide)


def _is_western(word: str) -> bool:
    """Whether a word may be Western: at most half of its letters accented, or one accented letter with another."""
    accented = sum(ord(letter) > 0x7F for letter in word)
    return accented <= ACCENTED_SHARE * len(word)


def _excerpt(texts: Sequence[str]) -> str:
    found = re.search(r"[^\x00-\x7f][^\n\r,;\t/]*", "\n".join(texts))
    return printable(found[0][:EXCERPT]) if found else ""
