/** What is shown of a network's graph: single layers, and closed blocks, each of which stands for many layers. */

const READABLE = 20; // items that can be taken in at a glance

/** Map from the name of each block to {name, parent, size}, where `size` counts all nodes inside, however deep. */
function groupsOf(graph) {
  const groups = new Map(graph.groups.map(({ name, parent }) => [name, { name, parent, size: 0 }]));
  for (const node of graph.nodes) {
    for (let group = groups.get(node.group); group; group = groups.get(group.parent)) group.size += 1;
  }
  return groups;
}

/** The names of all blocks around a node, outermost first. A block of a single node does not count. */
function blocksAround(node, groups) {
  const names = [];
  for (let group = groups.get(node.group); group; group = groups.get(group.parent)) {
    if (group.size > 1) names.unshift(group.name);
  }
  return names;
}

/**
 * The items that are shown when the blocks in `open` (a Set of names) are open, in the order in which they run:
 * {id, node, members, inputs, around, block}. `members` are the nodes of the item and `node` the last of them, whose
 * maps are shown; `inputs` are items; `around` names the open blocks it lies in; `block` is the name of a closed block,
 * null for a single layer.
 */
export function itemsOf(graph, open) {
  const groups = groupsOf(graph);
  const items = new Map();
  const itemOf = new Map();
  for (const node of graph.nodes) {
    const around = blocksAround(node, groups);
    const closed = around.find((name) => !open.has(name)) ?? null;
    const id = closed === null ? node.name : `${closed}/`;
    const depth = closed === null ? around.length : around.indexOf(closed);
    if (!items.has(id)) items.set(id, { id, members: [], inputs: [], block: closed, around: around.slice(0, depth) });
    const item = items.get(id);
    item.members.push(node);
    item.node = node;
    itemOf.set(node.name, item);
  }
  const order = new Map([...items.values()].map((item, i) => [item, i]));
  for (const [from, to] of graph.edges) {
    const [source, target] = [itemOf.get(from), itemOf.get(to)];
    if (order.get(source) < order.get(target) && !target.inputs.includes(source)) target.inputs.push(source);
  }
  return [...items.values()];
}

/** The blocks that are open at first: from outside in, all of one depth or none, as long as the network is readable. */
export function openAtFirst(graph) {
  let open = new Set();
  for (;;) {
    const closed = itemsOf(graph, open).flatMap(({ block }) => block ?? []);
    const wider = new Set([...open, ...closed]);
    if (!closed.length || itemsOf(graph, wider).length > READABLE) return open;
    open = wider;
  }
}

/** `open` with all blocks opened around a layer. */
export function openTo(graph, open, layer) {
  const groups = groupsOf(graph);
  const node = graph.nodes.find(({ name }) => name === layer);
  const around = node ? blocksAround(node, groups) : [];
  return around.every((name) => open.has(name)) ? open : new Set([...open, ...around]);
}

/** `open` with one block opened, or closed with all blocks inside it. */
export function toggled(open, block) {
  if (!open.has(block)) return new Set([...open, block]);
  return new Set([...open].filter((other) => other !== block && !other.startsWith(`${block}.`)));
}
