"""The page's JavaScript has no finding, and each kind of finding is found where it is planted."""

from __future__ import annotations

import json

import pytest

from .javascript import check

WORDS = {"title": {"one": "One"}, "kind": {"conv": "convolution", "pool": "pooling"}, "n": {"maps": "{n} maps"}}
KEYS = {f"{section}.{key}": text for section, some in WORDS.items() for key, text in some.items()}
FINE = {
    "index.html": '<h1 data-i18n="title.one"></h1>',
    "i18n/en.json": json.dumps({**KEYS, "n.maps_one": "1 map"}, indent=2),
    "i18n/zh.json": json.dumps(KEYS, indent=2),
    "i18n.js": "export const t = (key) => key;\nexport const has = (key) => Boolean(key);\n",
    "sizes.js": "export const area = ({ wide, tall: [tall] }) => wide * tall;\n",
    "app.js": """import { area } from "./sizes.js";
import * as words from "./i18n.js";
import { t } from "./i18n.js";

const load = (view) => import(`./${view}/${view}.js`).then((module) => module.mount(document.body));

async function begin(kind, { many = 2, ...rest } = {}) {
  const [first, , ...others] = await (await fetch("list.json")).json();
  for (const one of others) console.log(one, area(rest));
  return words.has(`kind.${kind}`) ? t(many ? `kind.${kind}` : "n.maps") : load(first);
}

begin("conv");
""",
    "view/view.js": 'export function mount(root) {\n  root.append("text");\n}\n',
}


def findings_in(folder, files):
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    return [str(finding) for finding in check(folder)]


def test_the_page_has_no_finding():
    assert [str(finding) for finding in check()] == []


def test_a_page_without_faults_has_no_finding(tmp_path):
    assert findings_in(tmp_path, FINE) == []


def long_function(lines):
    return "export function mount(root) {\n" + "  root.append(1);\n" * (lines - 2) + "}\n"


@pytest.mark.parametrize(
    ("path", "old", "new", "finding"),
    [
        # file, what stands there, what is put in its place, how the finding begins (None: there is none)
        ("view/view.js", FINE["view/view.js"], long_function(61), "view/view.js:1: function mount of 61 lines"),
        ("view/view.js", '"text"', '"' + "x" * 110 + '"', "view/view.js:2: line of 128 characters; at most 120"),
        ("view/view.js", "}\n", "}\n" + "//\n" * 298, "view/view.js:301: file of 301 lines; at most 300"),
        ("view/view.js", '"text")', '"text"', "view/view.js:2: does not parse as JavaScript"),
        ("view/view.js", '"text"', "text", "view/view.js:2: text is neither declared nor imported"),
        ("view/view.js", "  root", "  const text = root;\n  root", "view/view.js:2: text is declared but not used"),
        ("view/view.js", "}\n", "}\nexport const B = 1;\n", "view/view.js:4: exports B, which no module imports"),
        ("app.js", "console.log(one, area(rest))", "console.log(one, rest)", "app.js:1: area is imported but not used"),
        # A parameter of the same name is not a use of the import.
        ("app.js", "area(rest)", "((area) => area)(rest)", "app.js:1: area is imported but not used"),
        ("app.js", "{ area }", "{ side as area }", "app.js:1: imports side, which sizes.js does not export"),
        ("app.js", "words.has(", "words.had(", "app.js:2: imports had, which i18n.js does not export"),
        ("app.js", "./sizes.js", "./size.js", "app.js:1: imports from size.js, which does not exist"),
        ("app.js", '"n.maps"', '"n.map"', 'app.js:10: translation key "n.map" is missing from i18n/zh'),
        ("app.js", '"n.maps"', '"m.maps"', 'app.js:10: translation key "m.maps" is missing from i18n/en'),
        ("app.js", '? `kind.$', '? `sort.$', 'app.js:10: translation key "sort.*" is missing from i18n/en'),
        ("app.js", '"conv")', '["kind.pooling"])', 'app.js:13: translation key "kind.pooling" is missing from i18n/en'),
        ("app.js", '"n.maps"', '"kind.conv"', 'i18n/en.json:5: translation key "n.maps" is not used'),
        ("index.html", "title.one", "title.two", 'index.html:1: translation key "title.two" is missing from i18n/en'),
        ("index.html", "title.one", "kind.pool", 'i18n/zh.json:2: translation key "title.one" is not used'),
        ("i18n/zh.json", '"n.maps"', '"kind.max"', 'i18n/zh.json:1: translation key "n.maps" is missing'),
        ("i18n/zh.json", '"n.maps"', '"n.maps_one": "", "n.maps"', None),
    ],
)  # fmt: skip
def test_each_planted_fault_is_found(tmp_path, path, old, new, finding):
    assert FINE[path].count(old) >= 1
    found = findings_in(tmp_path, {**FINE, path: FINE[path].replace(old, new, 1)})
    assert [what for what in found if what.startswith(finding)] if finding else not found
