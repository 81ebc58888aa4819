"""The bundler of the page's modules, and the packing of parts as text."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from convscope.errors import ModelFileError
from convscope.serving.http.static_files import PAGE
from convscope.serving.one_file.bundler import bundle
from convscope.serving.one_file.packing import ALPHABET, BITS, Part, bytes_apart, encode

MODULES = {
    "main.js": 'import { double as twice, Box } from "./below/numbers.js";\nimport * as words from "./words.js";\n'
    'export const answer = () => `${words.hello} ${new Box(twice(4)).value}`;\n',
    "below/numbers.js": 'import {\n  hello,\n} from "../words.js";\nexport function double(x) {\n  return 2 * x;\n}\n'
    "export class Box {\n  constructor(value) {\n    this.value = value + hello.length;\n  }\n}\n"
    'export const later = (name) => import(`../${name}.js`);\n',
    "words.js": 'export const hello = "hello";\n',
}  # fmt: skip


@pytest.fixture
def modules(tmp_path):
    def write(changes=None):
        for name, text in {**MODULES, **(changes or {})}.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def test_a_bundle_computes_what_its_modules_do(browser, modules):
    page = browser.new_page()
    script = (
        f"{bundle(modules())}\nreturn [$start('main.js').answer(), await $start('below/numbers.js').later('words')];"
    )
    answer, words = page.evaluate("code => new (async () => {}).constructor(code)()", script)
    page.close()
    assert answer == "hello 13"
    assert words == {"hello": "hello"}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"words.js": 'import { answer } from "./main.js";\nexport const hello = answer;\n'}, "is a circle"),
        ({"words.js": "export let hello = 1;\n"}, r"words.js cannot be bundled: export let hello"),
        ({"words.js": "export default 1;\n"}, "cannot be bundled"),
        ({"words.js": "const here = import.meta.url;\nexport const hello = here;\n"}, "cannot be bundled"),
        ({"words.js": 'import { x } from "./nowhere.js";\nexport const hello = x;\n'}, "which does not exist"),
    ],
)
def test_modules_that_it_does_not_understand_are_refused(modules, changes, message):
    with pytest.raises(ModelFileError, match=message):
        bundle(modules(changes))


def test_the_page_can_be_bundled():
    text = bundle(PAGE)
    assert '"engine/worker.js": ($exported) =>' in text
    assert "\nimport " not in text and "\nexport " not in text


def decoded(text, size):
    digits = [ALPHABET.index(character) for character in text]
    bits = [
        (high * len(ALPHABET) + low) >> bit & 1
        for high, low in zip(digits[::2], digits[1::2], strict=True) for bit in range(BITS)
    ]  # fmt: skip
    return np.packbits(np.array(bits, np.uint8), bitorder="little").tobytes()[:size]


def test_numbers_are_packed_with_their_first_bytes_first():
    weights = np.random.default_rng(0).normal(size=5000).astype("<f4").tobytes()
    assert bytes_apart(b"abcdefgh", 4) == b"aebfcgdh"
    assert Part.of("weights", weights, 4).size < 0.97 * Part.of("weights", weights).size


@pytest.mark.parametrize("size", [0, 1, 2, 12, 13, 14, 1000])
def test_bytes_come_back_from_their_text(size):
    content = np.random.default_rng(size).bytes(size)
    text = encode(content)
    assert len(ALPHABET) ** 2 >= 2**BITS
    assert not set(text) & set('"<\\\n ')
    assert decoded(text, size) == content


def test_a_part_is_deflated():
    part = Part.of("weights", bytes(10_000))
    assert part.size < 100
    assert zlib.decompress(decoded(part.text, part.size)) == bytes(10_000)
