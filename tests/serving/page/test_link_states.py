"""Whatever can be seen goes into the link and comes back: states at random, and views that links once lost."""

from __future__ import annotations

from playwright.sync_api import expect

from .conftest import RELU, written

# States of the store at random, as links and back; what differs, with what was there and what came back.
LOST = """async (count) => {
  const load = (name) => import(new URL(name, location.href));
  const [link, { INITIAL }, { NO_CHANGES }, playground, figures, { GRID }] = await Promise.all([
    "state/link.js", "state/store.js", "state/whatif.js", "convolution/settings.js",
    "convolution/figures/figures.js", "input/strokes.js"].map(load));
  let seed = 7;
  const random = () => (seed = (seed * 1664525 + 1013904223) % 2 ** 32) / 2 ** 32;
  const below = (n) => Math.floor(random() * n), pick = (some) => some[below(some.length)], yes = () => random() < 0.5;
  const many = (n, make) => Array.from({ length: n }, make);
  const layer = () => pick(["C1", "features.0", "block~1.conv", "a b", "层.3", "x&y=z", "50%", "%7E", "q#1", "+,"]);
  const point = () => [below(GRID + 1) / GRID, below(GRID + 1) / GRID];
  const stroke = () => ({ tool: pick(["pen", "eraser"]), points: many(1 + below(30), point) });
  const kernel = () => ({ layer: layer(), map: below(99), input: below(9),
    values: many(1 + below(5), () => many(3, () => Number((random() - 0.5).toPrecision(6)))) });
  const whatif = () => ({
    channels_off: { [layer()]: [1, below(500)] }, kernels: many(below(2), kernel),
    occlude: many(below(3), () => ({ row: below(300) - 20, column: below(300), radius: 1 + below(30) })),
    pixels: many(below(3), () => ({ row: below(99), column: below(99), values: [below(256), 1, 2] })) });
  const convolution = () => (yes() ? { figure: figures.initialOf(pick(figures.KINDS)) } : { playground: {
    ...playground.INITIAL, stride: 1 + below(4), padding: below(4), flip: yes(), gray: yes(), place: [below(9), 1],
    activation: pick(["none", "relu", "tanh"]), pooling: pick(["none", "sum"]), border: pick(["zeros", "reflect"]),
    kernel: pick([playground.INITIAL.kernel, [1, 0.5, -2.25, 1e-7, 0, 123456, 0, 0, 1e5]]) } });
  const state = () => {
    const tab = pick(["network", "convolution", "training", "lesson"]), backward = yes(), why = yes();
    const asked = pick([null, "asking"]);
    return { ...INITIAL, classifier: pick(["mnist-relu", "run~2", "my run/best"]), language: pick(["en", "zh"]),
      tab, three: yes(), step: tab === "lesson" ? below(20) : 0, scale: pick(["map", "layer", "network"]),
      zoom: pick([null, "fit", 0.5, 1.25]), beside: pick(["", "epoch~end", "model~run~2", "example~ü&=~.png"]),
      direction: backward ? "backward" : "forward", magnified: backward && yes(), why, label: pick([null, below(99)]),
      epoch: pick([null, below(300)]), open: pick([null, new Set(["features", "layer1.0~x"])]),
      shown: Object.fromEntries(many(below(3), () => [layer(), 1 + below(4000)])),
      source: pick([null, { kind: "example", id: pick(["3", "ü/é &=+%~.jpg"]) },
        { kind: "drawing", strokes: many(1 + below(4), stroke), ink: pick(["ink", "chalk"]) }]),
      selected: pick([null, { layer: layer() }, { layer: layer(), map: below(99) },
        { layer: layer(), map: 1, y: below(99), x: 2 }, { layer: layer(), map: 1, y: 2, x: 3, term: below(5000) }]),
      whatif: pick([NO_CHANGES, whatif()]), predict: asked,
      whyChoice: why ? { method: pick([null, "occlusion"]), layer: pick(["", layer()]), first: pick([null, 3]),
        second: pick([null, 4]), versus: yes() } : INITIAL.whyChoice,
      ...(tab === "convolution" && convolution()) };
  };
  const sorted = (value) => (value?.constructor === Object
    ? Object.fromEntries(Object.keys(value).sort().map((key) => [key, value[key]])) : value);
  const text = (value) => JSON.stringify(value, (key, one) => (one instanceof Set ? [...one] : sorted(one)));
  return many(count, state).flatMap((one) => {
    const read = link.fromHash(`#${link.toHash(one)}`);
    const back = { classifier: read.classifier, language: read.language, ...read.view, ...read.wish };
    const lost = link.LINKED.filter((key) => text(back[key]) !== text(one[key]));
    return [...read.problems.map(text), ...lost.map((key) => [key, text(one[key]), text(back[key])].join(" "))];
  });
}"""


def test_states_at_random_come_back_from_their_links(visit, mnist):
    page = visit(mnist + RELU + "&example=3")
    assert page.evaluate(LOST, 300) == []


def test_the_input_opens_from_its_link(visit, mnist):
    page = visit(f"{mnist}{RELU}&example=3&at=input")
    expect(page.locator("#drawer")).to_be_visible()
    assert "at=input&" in written(page)
    expect(page.locator("#notice")).to_be_hidden()
