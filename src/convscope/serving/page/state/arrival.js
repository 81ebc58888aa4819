/**
 * What a link asks for becomes the view: at once what needs no network, the rest when its network is there and has been
 * seen to have such layers, maps, examples and classes. What is not there is left out and said in one notice.
 */

import { firstExample } from "./first.js";
import { isSame } from "./link.js";
import { SOFTMAX } from "./softmax.js";
import { INITIAL } from "./store.js";
import { NO_CHANGES } from "./whatif.js";

const LARGEST_COVER = 10_000; // pixels
const MOST_SHOWN = 4096; // maps of a layer
const uploads = new Map(); // name -> picture that was uploaded since the page was opened

/** Remembers an uploaded picture, so that Back and Forward find it again. */
export const rememberUpload = ({ source }) => source?.kind === "file" && uploads.set(source.name || "?", source.blob);

/** The changes of the store with which a link (as fromHash reads it) begins. */
export function beginning({ classifier, view, wish, problems }) {
  const linked = view.tab === "lesson" ? namedBy({ ...view, ...wish }) : null;
  return { ...view, wish, linked, notice: problems.length ? problems : null, ...(classifier && { classifier }) };
}

/** What a step of the lesson would arrange, where the link says it. */
function namedBy(said) {
  const named = ["selected", "why", "direction", "label", "three"].filter((key) => !isSame(said[key], INITIAL[key]));
  return Object.fromEntries(named.map((key) => [key, said[key]]));
}

/** Follows a link on an open page. An unknown classifier is said, and the one that is open stays. */
export function arrive(store, link) {
  const { classifiers, classifier, network } = store.state;
  const known = !link.classifier || !classifiers.length || classifiers.some(({ id }) => id === link.classifier);
  const arrived = known ? link : { ...link, ...withoutClassifier(link, classifier) };
  store.set({ selected: null, ...beginning(arrived) });
  const stays = !arrived.classifier || arrived.classifier === classifier;
  if (stays && network) fulfil(store);
}

/** The link for another classifier than the one that it names: of the picture, only a drawing can stay. */
export function withoutClassifier({ classifier, wish, problems }, shown) {
  const source = wish.source?.kind === "drawing" ? wish.source : null;
  const empty = { selected: null, whatif: NO_CHANGES, label: null, epoch: null, open: null, shown: {} };
  return {
    classifier: shown, wish: { ...wish, ...empty, source },
    problems: [...problems, ["link.classifier", { id: classifier, name: shown }]],
  };
}

/** Brings what the link asks for into the state, as far as the network that is here now has it. */
export function fulfil(store) {
  const { wish, notice, source, selected, whatif, snapshots, tab, network, examples } = store.state;
  if (!wish) return;
  const { changes, problems } = checked(wish, store.state);
  // A step of the lesson has arranged by now what its link does not name.
  if (tab === "lesson") {
    changes.source ??= source;
    changes.selected ??= selected;
  }
  changes.source ??= firstExample(network, examples);
  if (isSame(source, changes.source) && source?.kind !== "file") changes.source = source; // asks nothing anew
  if (isSame(whatif, changes.whatif)) changes.whatif = whatif;
  const said = [...(notice ?? []), ...problems];
  const linked = store.state.linked && { ...store.state.linked, ...(wish.selected && { selected: changes.selected }),
    ...(wish.label !== null && { label: changes.label }) };
  store.set({ wish: null, linked, wishedEpoch: wish.epoch, ...changes, notice: said.length ? said : null });
  if (snapshots) fulfilEpoch(store);
}

/** Goes to the epoch that the link asks for, now that it is known which ones were kept. */
export function fulfilEpoch(store) {
  const { wishedEpoch: epoch, snapshots, notice, wish } = store.state;
  if (wish || !snapshots) return;
  if (epoch === null) return;
  if (snapshots.epochs.includes(epoch)) store.set({ wishedEpoch: null, epoch });
  else store.set({ wishedEpoch: null, notice: [...(notice ?? []), ["link.epoch", { epoch }]] });
}

function checked(wish, { network, examples, classifiers, beside }) {
  const problems = [];
  const orElse = (value, fine, instead, key, values = {}) => {
    if (fine) return value;
    problems.push([key, values]);
    return instead;
  };
  const { source, selected, label } = wish;
  const changes = {
    source: checkedSource(source, examples, orElse),
    selected: orElse(wholePlace(selected, network), !selected || isPlace(selected, network), null, "link.place",
      { layer: selected?.layer }),
    whatif: orElse(wish.whatif, isWhatIf(wish.whatif, network), NO_CHANGES, "link.changes"),
    beside: orElse(beside, isBeside(beside, classifiers, examples), "", "link.beside"),
    label: orElse(label, label === null || label < network.class_names.length, null, "link.class"),
    shown: Object.fromEntries(Object.entries(wish.shown).filter(([layer, count]) =>
      network.byName.has(layer) && count <= MOST_SHOWN)),
  };
  const blocks = new Set(network.groups.map(({ name }) => name));
  if (wish.open) changes.open = new Set([...wish.open].filter((block) => blocks.has(block)));
  return { changes, problems };
}

function checkedSource(source, examples, orElse) {
  if (source?.kind === "file") {
    const blob = uploads.get(source.name);
    return orElse({ ...source, blob }, blob, null, "link.upload", { name: source.name });
  }
  if (source?.kind !== "example") return source;
  return orElse(source, examples.some(({ id }) => id === source.id), null, "link.example");
}

/** Whether there is the classifier or picture to compare with; of epochs, the service itself says it. */
function isBeside(beside, classifiers, examples) {
  const [kind, id] = [beside.slice(0, beside.indexOf("~")), beside.slice(beside.indexOf("~") + 1)];
  const some = { model: classifiers, example: examples }[kind];
  return !some || some.some((one) => String(one.id) === id);
}

/** A value of a vector is chosen by its number alone, as a value of a map is by its row and column too. */
function wholePlace(selected, network) {
  if (selected?.map === undefined || selected.y !== undefined) return selected;
  const [, height = 1, width = 1] = network.byName.get(selected.layer)?.shape ?? [];
  return height * width === 1 ? { ...selected, y: 0, x: 0 } : selected;
}

/** Whether the network has a layer, map and value. */
function isPlace({ layer, map, y, x }, network) {
  if (layer === SOFTMAX) return map === undefined || map < network.class_names.length;
  const node = network.byName.get(layer);
  if (!node || (node.kind === "input" && map !== undefined)) return false; // of the input, nothing further opens
  const [maps, height = 1, width = 1] = node.shape;
  return (map === undefined || map < maps) && (y === undefined || (y < height && x < width));
}

function isWhatIf({ channels_off: off, kernels, occlude, pixels }, network) {
  const isLayer = ([layer, maps]) => maps.every((map) => isPlace({ layer, map }, network));
  const isCover = (circle) => Object.values(circle).every((value) => Math.abs(value) <= LARGEST_COVER);
  const isEdit = (edit) => isKernel(edit, network);
  const [channels, height, width] = network.input_size;
  const isPixel = ({ row, column, values }) => row >= 0 && column >= 0 && row < height && column < width
    && values.length === channels && values.every((value) => value >= 0 && value <= 255);
  return pixels.every(isPixel) && Object.entries(off).every(isLayer) && kernels.every(isEdit) && occlude.every(isCover);
}

function isKernel({ layer, map, input, values }, network) {
  const node = network.byName.get(layer);
  if (!node?.parameters || !isPlace({ layer, map }, network)) return false;
  const { kernel_size: size } = node.attributes ?? {};
  const [height, width] = Array.isArray(size) ? size : [size ?? 1, size ?? 1];
  const inputs = node.inputs.reduce((sum, name) => sum + network.byName.get(name).shape[0], 0);
  return input < inputs && values.length === height && values.every((row) => row.length === width);
}
