/**
 * The service's answers, over HTTP. Those about structure are JSON; pixels and weights come in a container: a JSON
 * header and one block of bytes, into which the header's offsets point.
 */

import { Failure } from "./failure.js";

const UNREACHABLE = {
  en: "The server does not answer. Run convscope serve again, then press “Try again”.",
  zh: "服务器没有回应。请重新运行 convscope serve，再点“重试”。",
};

// Sessions belong to the page that made them, which any text identifies that no other page has.
const PAGE = { "X-Page": Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("") };

async function ask(path, query = {}, options = {}) {
  const url = new URL(path, document.baseURI);
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) url.searchParams.set(key, value);
  }
  let response;
  try {
    response = await fetch(url, { ...options, headers: { ...PAGE, ...options.headers } });
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new Failure(0, UNREACHABLE);
  }
  if (response.ok) return response;
  const answer = await response.json().catch(() => null);
  const plain = `HTTP ${response.status}`;
  throw new Failure(response.status, { en: plain, zh: plain, ...answer?.error });
}

async function json(...request) {
  const response = await ask(...request);
  return response.json();
}

async function container(...request) {
  const response = await ask(...request);
  const buffer = await response.arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const start = Math.ceil((4 + length) / 4) * 4;
  return { header, bytes: (at, n) => new Uint8Array(buffer, start + at, n),
    floats: (at, n) => new Float32Array(buffer, start + at, n) };
}

/** A layer with its pixels: `height` and `width` of a map; vectors are one map of 1 x n, and `vector` is true. */
function layerOf(layer, bytes) {
  const [height, width] = layer.shape.length === 3 ? layer.shape.slice(1) : [1, 1];
  const vector = height * width === 1;
  const size = vector ? { height: 1, width: layer.shape[0] } : { height, width };
  const maps = layer.maps.map((m) => ({ ...m, data: bytes(m.offset, size.height * size.width) }));
  return { ...layer, ...size, vector, maps };
}

function layersOf({ header, bytes }) {
  return new Map(header.layers.map((layer) => [layer.name, layerOf(layer, bytes)]));
}

function forwardOf(answer) {
  const { seen } = answer.header;
  const data = answer.bytes(seen.offset, seen.channels * seen.height * seen.width);
  return { ...answer.header, layers: layersOf(answer), seen: { ...seen, data } };
}

const part = encodeURIComponent;

const classifiers = () => json("api/classifiers");
const network = (classifier, signal) => json("api/network", { classifier }, { signal });
const examples = (classifier, signal) => json("api/examples", { classifier }, { signal });
const snapshots = (classifier, signal) => json("api/snapshots", { classifier }, { signal });
async function picture(url, signal) {
  const response = await ask(url, {}, { signal });
  return response.blob();
}

const fileOf = (image) =>
  (image instanceof Blob ? image : new Promise((resolve) => image.toBlob(resolve, "image/png")));

/** Any image file (a Blob) or a canvas through the network; `epoch` takes the weights of a saved epoch. */
async function forward(image, classifier, { maps = 16, epoch, signal } = {}) {
  const body = await fileOf(image);
  const headers = { "Content-Type": body.type.startsWith("image/") ? body.type : "application/octet-stream" };
  const options = { method: "POST", body, headers, signal };
  return forwardOf(await container("api/forward", { classifier, maps, epoch }, options));
}

/** The same picture through a network with `changes`; a new session. */
async function whatIf(session, changes, signal) {
  const body = JSON.stringify(changes);
  const options = { method: "PATCH", body, headers: { "Content-Type": "application/json" }, signal };
  return forwardOf(await container(`api/what-if/${part(session)}`, {}, options));
}

/** Maps of one layer: `range` "16:64" in the order strongest first, or `only` a list of map numbers. */
async function activations(session, layer, { range, only, signal } = {}) {
  const query = { maps: range, only: only?.join(",") };
  const answer = await container(`api/activations/${part(session)}/${part(layer)}`, query, { signal });
  return layerOf(answer.header.layer, answer.bytes);
}

const arithmetic = (session, layer, { map, y, x }, signal) =>
  json(`api/arithmetic/${part(session)}/${part(layer)}`, { map, y, x }, { signal });

/** The kernels of one output map: `values` (float32, input map by input map), `shape` [inputs, kh, kw], `bias`. */
async function kernels(layer, { classifier, map, session, signal }) {
  const { header, floats } = await container(`api/kernels/${part(layer)}`, { classifier, map, session }, { signal });
  return { ...header, values: floats(header.offset, header.shape.reduce((a, b) => a * b, 1)) };
}

const field = (session, layer, y, x, signal) =>
  json(`api/field/${part(session)}/${part(layer)}`, { y, x }, { signal });
const seen = (session, row, column, signal) =>
  json(`api/seen/${part(session)}`, { row, column }, { signal });

/** For each layer {layer, channels, dead, not_finite, saturated}, for this picture. */
const health = (session) => json(`api/health/${part(session)}`);

/** The gradient of the loss for `label` at every layer: `layers` (Map), `norms`, `loss`. */
async function gradients(session, label, signal) {
  const answer = await container(`api/gradients/${part(session)}`, { label }, { signal });
  return { ...answer.header, session, layers: layersOf(answer) };
}

/** What heat maps point best: `measured`, null or {images, methods: [{method, insertion, deletion, score}], random}. */
const methods = (classifier) => json("api/methods", { classifier });

/** A heat map of the input's size: `values` (float32), `height`, `width`, `low`, `high`. */
async function attribution(session, { method, layer, label, versus }, signal) {
  const query = { method, layer, label, versus };
  const { header, floats } = await container(`api/attribution/${part(session)}`, query, { signal });
  return { ...header, values: floats(header.offset, header.height * header.width) };
}

/** Server-sent rows of a running training: `onRow(row)`, at last `onEnd()`; returns a function that ends it. */
function trainingRows(classifier, onRow, onEnd) {
  const source = new EventSource(new URL(`api/training/live?classifier=${part(classifier)}`, document.baseURI));
  source.onmessage = (event) => onRow(JSON.parse(event.data));
  source.addEventListener("end", () => {
    source.close(); // else the browser would ask again
    onEnd();
  });
  return () => source.close();
}

/** What readers may train here: {seconds, data, networks, epochs}; 0 seconds where the host allows nothing. */
const trainingOffer = () => json("api/training");

/** Begins a training of {data, network, epochs}; {id} of its classifier, once its first weights are there. */
const startTraining = (wish) => json("api/training", {},
  { method: "POST", body: JSON.stringify(wish), headers: { "Content-Type": "application/json" } });

/** A file of the page itself, such as its words in one language, as a Blob. */
async function ownFile(path) {
  return (await ask(path)).blob();
}

export const service = {
  classifiers, network, examples, snapshots, picture, ownFile, forward, whatIf, activations, arithmetic, kernels, field,
  seen, health, gradients, methods, attribution, trainingRows, trainingOffer, startTraining, training: null,
};
