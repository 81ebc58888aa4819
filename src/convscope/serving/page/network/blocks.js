/** A network's graph as what is shown of it: single layers, and blocks that stand for many until they are opened. */

const COMFORTABLE = 20; // columns that still say something at a glance

/** Name -> {name, parent, size}, where `size` counts all nodes inside, however deep. */
function groupsOf(graph) {
  const groups = new Map(graph.groups.map(({ name, parent }) => [name, { name, parent, size: 0 }]));
  for (const node of graph.nodes) {
    for (let group = groups.get(node.group); group; group = groups.get(group.parent)) group.size += 1;
  }
  return groups;
}

/** The names of all blocks around a node, outermost first. Blocks of a single node are no blocks. */
function blocksAround(node, groups) {
  const names = [];
  for (let group = groups.get(node.group); group; group = groups.get(group.parent)) {
    if (group.size > 1) names.unshift(group.name);
  }
  return names;
}

/**
 * What is shown when the blocks in `open` are open: items in the order in which they run, each
 * {id, node, members, inputs, around, block}. `node` is what the item shows the maps of (a block's last one); `around`
 * the open blocks it lies in; `block` its own name if it is a closed one.
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

/** Which blocks to open at first: from outside in, all of one depth or none, as long as the network stays readable. */
export function openAtFirst(graph) {
  let open = new Set();
  for (;;) {
    const closed = itemsOf(graph, open).flatMap(({ block }) => block ?? []);
    const wider = new Set([...open, ...closed]);
    if (!closed.length || itemsOf(graph, wider).length > COMFORTABLE) return open;
    open = wider;
  }
}

/** Opens whatever hides a layer. */
export function openTo(graph, open, layer) {
  const groups = groupsOf(graph);
  const node = graph.nodes.find(({ name }) => name === layer);
  const around = node ? blocksAround(node, groups) : [];
  return around.every((name) => open.has(name)) ? open : new Set([...open, ...around]);
}
