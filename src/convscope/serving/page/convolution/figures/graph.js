/** A computational graph: values go forward through it, gradients backward, one operation after the other. */

import { h } from "../../dom.js";
import { t } from "../../i18n.js";
import { choice } from "../fields.js";
import { backward, forward } from "./autograd.js";
import { edgeLines } from "./edges.js";
import { firstValues, GRAPHS, leavesOf, operationsOf, pytorchOf } from "./graphs.js";
import { Sliding, slidingButtons } from "./sliding.js";
import { listText, readNumbers, readWhole } from "./text.js";

const PACE = 1600; // milliseconds for one operation

/** `step` counts the operations that are done, forward and then backward; null: all of them. */
const INITIAL = { kind: "graph", graph: "sum", leaves: firstValues(GRAPHS.sum), step: null };

function write({ graph, leaves, step }) {
  const isChanged = JSON.stringify(leaves) !== JSON.stringify(firstValues(GRAPHS[graph]));
  return [graph, isChanged ? Object.values(leaves).flat().join() : "", step ?? ""];
}

function read([graph, numbers, step]) {
  if (!Object.hasOwn(GRAPHS, graph)) return null;
  const leaves = numbers ? readLeaves(GRAPHS[graph], numbers) : firstValues(GRAPHS[graph]);
  const at = step ? readWhole(step, 0, lastStep(graph)) : null;
  if (!leaves || (step && at === null)) return null;
  return { kind: "graph", graph, leaves, step: at };
}

function readLeaves(graph, text) {
  const all = leavesOf(graph);
  const numbers = readNumbers(text, all.reduce((sum, { values }) => sum + values.length, 0));
  let at = 0;
  return numbers && Object.fromEntries(all.map(({ id, values }) => {
    at += values.length;
    return [id, numbers.slice(at - values.length, at)];
  }));
}

const lastStep = (graph) => 2 * operationsOf(GRAPHS[graph]).length;

function create({ settings, change }) {
  const set = (changes) => change({ ...settings(), ...changes });
  const sliding = new Sliding({
    count: () => lastStep(settings().graph) + 1, index: () => settings().step ?? lastStep(settings().graph),
    go: (step) => set({ step }), onChange: () => figure.show(), pace: () => PACE,
  });
  const graphs = choice((graph) => {
    sliding.stop();
    set({ graph, leaves: firstValues(GRAPHS[graph]), step: null });
  });
  const buttons = slidingButtons(sliding, { play: "figure.graph.play", step: "figure.graph.step" });
  const about = h("p", { class: "soft" });
  const board = graphBoard(settings, (leaves) => set({ leaves }));
  const said = h("p", { class: "graph-said", "aria-live": "polite" });
  const code = h("pre", { class: "graph-code", tabindex: 0 });
  const copy = h("button", { class: "quiet", onclick: () => navigator.clipboard?.writeText(code.textContent) },
    t("figure.graph.copy"));
  const program = h("section", { class: "graph-program" }, h("h3", {}, t("figure.graph.code")), code, copy);
  const parts = [graphs.element, about, buttons.element, board.element, said, program];
  const element = h("div", { class: "conv-figure" }, parts);
  const figure = {
    element, stop: () => sliding.stop(),
    show() {
      const { graph, leaves, step } = settings();
      graphs.show({
        label: t("figure.graph.choose"), chosen: graph,
        options: Object.keys(GRAPHS).map((key) => [key, t(`figure.graph.${key}`)]),
      });
      about.textContent = t(`figure.graph.${graph}.about`);
      buttons.show();
      board.show();
      said.textContent = sentence(graph, step);
      code.textContent = pytorchOf(GRAPHS[graph], leaves);
    },
  };
  return figure;
}

/** What the operation that was done last does. */
function sentence(graph, step) {
  if (step === null) return t("figure.graph.all");
  const operations = operationsOf(GRAPHS[graph]);
  if (step === 0) return t("figure.graph.begin");
  const isBack = step > operations.length;
  const { id, operation, inputs } = isBack ? operations[2 * operations.length - step] : operations[step - 1];
  return t(`figure.operation.${operation}.${isBack ? "backward" : "forward"}`, { id, inputs: inputs.join(", ") });
}

/** The nodes in columns, a line for each edge; the numbers of leaves can be changed. */
function graphBoard(settings, onLeaves) {
  const lines = edgeLines();
  const nodes = h("div", { class: "graph-nodes" });
  const element = h("div", { class: "graph-board" }, lines.element, nodes);
  let made = null; // {graph, boxes}

  function build(graph) {
    const columns = columnsOf(graph);
    const boxes = new Map(graph.nodes.map((node) => [node.id, nodeBox(node, settings, onLeaves)]));
    nodes.replaceChildren(...columns.map((column) => h("div", { class: "graph-column" },
      column.map(({ id }) => boxes.get(id).element))));
    return { graph, boxes };
  }
  function show() {
    const { graph: key, leaves, step } = settings();
    const graph = GRAPHS[key];
    if (made?.graph !== graph) made = build(graph);
    const count = operationsOf(graph).length;
    const done = step ?? 2 * count;
    const values = forward(graph.nodes, leaves);
    const gradients = done > count ? backward(graph.nodes, values, done - count) : new Map();
    const passed = new Set(); // operations that the gradient has gone through, while one watches
    operationsOf(graph).forEach(({ id }, i) => {
      if (step !== null && i >= 2 * count - done) passed.add(id);
      const isFront = step !== null && (done <= count ? i === done - 1 : i === 2 * count - done);
      made.boxes.get(id).setState({ hasValue: i < done, isFront });
    });
    for (const { id } of graph.nodes) made.boxes.get(id).show(values.get(id), gradients.get(id));
    lines.show(nodes, graph.nodes.flatMap(({ id, inputs }) => inputs.map((input) => ({
      from: made.boxes.get(input).element, to: made.boxes.get(id).element, isBack: passed.has(id),
    }))));
  }
  return { element, show };
}

/** The nodes by the number of operations on the longest way to them; leaves stand before what needs them first. */
function columnsOf({ nodes }) {
  const depth = new Map();
  for (const { id, operation, inputs } of nodes) {
    depth.set(id, operation ? 1 + Math.max(...inputs.map((input) => depth.get(input))) : 0);
  }
  const columns = Array.from({ length: Math.max(...depth.values()) + 1 }, () => []);
  for (const node of nodes) columns[depth.get(node.id)].push(node);
  return columns;
}

/** A node: its name, its operation, its value (of a leaf, to be changed), and its gradient. */
function nodeBox({ id, operation, values: first }, settings, onLeaves) {
  const value = h("output", { class: "graph-value" });
  const gradient = h("output", { class: "graph-gradient" });
  const fields = operation ? [] : first.map((_, i) => h("input", {
    type: "number", step: "any", "aria-label": t("figure.graph.number", { id, i }), oninput: (event) => {
      const number = event.target.valueAsNumber;
      const { leaves } = settings();
      if (Number.isFinite(number)) onLeaves({ ...leaves, [id]: leaves[id].map((one, k) => (k === i ? number : one)) });
    },
  }));
  const element = h("div", { class: operation ? "graph-node" : "graph-node leaf", data: { id } },
    h("b", {}, id), operation ? h("span", { class: "soft small" }, t(`figure.operation.${operation}`)) : null,
    operation ? value : h("span", { class: "graph-fields" }, fields), gradient);
  let hasValue = true;

  function setState({ hasValue: has, isFront }) {
    hasValue = has;
    element.classList.toggle("front", isFront);
  }
  function show(values, slopes) {
    value.textContent = hasValue ? listText(values) : "…";
    gradient.textContent = slopes ? t("figure.graph.gradient", { values: listText(slopes) }) : " ";
    fields.forEach((field, i) => {
      if (document.activeElement !== field) field.value = String(values[i]);
    });
  }
  return { element, setState, show };
}

export const GRAPH = { INITIAL, write, read, create };
