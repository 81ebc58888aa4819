/** Receptive fields, looked up in the tables of the graph. Boxes are [top, left, bottom, right], ends not included. */

const NOTHING = [0, 0, 0, 0];

/** The part of the input that unit (y, x) of a node sees; with padding it may reach beyond the image. */
export function fieldOf(graph, node, y, x) {
  const { rows, columns } = graph.fields[node.field];
  const [top, bottom] = rows[y] ?? rows[0];
  const [left, right] = columns[x] ?? columns[0];
  return top < bottom && left < right ? [top, left, bottom, right] : NOTHING;
}

function positionsOf(ranges, pixel) {
  const sees = ([first, end]) => first <= pixel && pixel < end;
  const first = ranges.findIndex(sees);
  return first < 0 ? [0, 0] : [first, ranges.findLastIndex(sees) + 1];
}

/** For every node the units that see one pixel of the input: { name: box }. */
export function unitsThatSee(graph, row, column) {
  return Object.fromEntries(graph.nodes.map(({ name, field }) => {
    const [top, bottom] = positionsOf(graph.fields[field].rows, row);
    const [left, right] = positionsOf(graph.fields[field].columns, column);
    return [name, [top, left, bottom, right]];
  }));
}
