// LeNet-5 of 1998 in one file of JavaScript: the network, every gradient by hand, and its training on real digits.
//
//     node examples/microlenet.mjs
//
// The same as microlenet.py, one image at a time. dy stands for dE/dy: by how much the error E grows if y grows by one.
// Maps lie one behind the other in a Float64Array: value (c, i, j) of C x H x W is at (c * H + i) * W + j.

// Which of the 6 maps of S2 each of the 16 maps of C3 looks at (table I of the paper).
export const TABLE = ("012 123 234 345 045 015 0123 1234 2345 0345 0145 0125 0134 1245 0235 012345").split(" ");
// What the 84 units of F6 should say for each digit: a picture of 7 x 12 points, # is +1 and . is -1 (figure 3).
const PICTURES = `
.#####. ....... ..###.. .##.##. ##...## ##...## ##...## ##...## .##.##. ..###.. ....... .......
...##.. ..###.. .####.. ...##.. ...##.. ...##.. ...##.. ...##.. ...##.. .###### ....... .......
.#####. ....... .#####. ##...## #....## ....##. ..###.. .##.... ##..... ####### ....... .......
####### .....## ....##. ...##.. ..####. .....## .....## .....## ##...## .#####. ....... .......
.#####. ....... ....... .##..## .##..## ###..## ##...## ##...## ##..### .###### .....## .....##
.#####. ....... ####### ##..... ##..... .####.. ..####. .....## ##...## .#####. ....... .......
..####. .##.... ##..... ##..... ######. ###..## ##...## ##...## ###..## .#####. ....... .......
####### .....## .....## ....##. ...##.. ...##.. ..##... ..##... ..##... ..##... ....... .......
.#####. ##...## ##...## ##...## .#####. ##...## ##...## ##...## ##...## .#####. ....... .......
.#####. ##..### ##...## ##...## ##..### .###### .....## .....## ....##. .####.. ....... .......`;
const CODES = PICTURES.trim().split("\n").map((row) => [...row.replace(/ /g, "")].map((c) => (c === "#" ? 1 : -1)));
const J = 20; // the distance of "none of the ten digits" in the loss

// Layer by layer: its kind, maps in, side in, maps out, side of its kernel.
const LAYERS = [
  ["C1", convolution, 1, 32, 6, 5], ["S2", subsampling, 6, 28, 6, 2], ["C3", convolution, 6, 14, 16, 5],
  ["S4", subsampling, 16, 10, 16, 2], ["C5", convolution, 16, 5, 120, 5], ["F6", convolution, 120, 1, 84, 1],
];

// Draw the first weights evenly from +-2.4 / (number of inputs of a unit), as in the paper.
export function start(random) {
  const weights = {};
  for (const [name, layer, maps, , out, kernel] of LAYERS) {
    const sub = layer === subsampling;
    const size = sub ? 1 : maps * kernel * kernel;
    weights[name] = { weight: new Float64Array(out * size), bias: new Float64Array(out) };
    for (let f = 0; f < out; f++) {
      const inputs = sub ? 4 : name === "C3" ? 25 * TABLE[f].length : size;
      const draw = () => ((2 * random() - 1) * 2.4) / inputs;
      for (let k = 0; k < size; k++) weights[name].weight[f * size + k] = draw();
      weights[name].bias[f] = draw();
    }
  }
  disconnect(weights.C3.weight);
  return weights;
}

// Set the kernels of C3 that do not exist, or their gradients, to 0.
function disconnect(weight) {
  for (let f = 0; f < 16; f++)
    for (let c = 0; c < 6; c++) if (!TABLE[f].includes(c)) weight.fill(0, (f * 6 + c) * 25, (f * 6 + c + 1) * 25);
}

// --- the layers: each returns y and a function that turns dy into dx and adds to the gradients of its weights

// Slide the kernels over the maps: at each place, the sum of value times weight, plus one bias per kernel.
function convolution(x, { weight, bias }, maps, side, out, kernel) {
  const end = side - kernel + 1, y = new Float64Array(out * end * end);
  // Each weight with all the values that it meets: weight number b, and where its first value and first output lie.
  const weights = (visit) => {
    for (let f = 0, b = 0; f < out; f++)
      for (let c = 0; c < maps; c++)
        for (let u = 0; u < kernel; u++)
          for (let v = 0; v < kernel; v++, b++) if (weight[b] !== 0) visit(b, (c * side + u) * side + v, f * end * end);
  };
  for (let f = 0; f < out; f++) y.fill(bias[f], f * end * end, (f + 1) * end * end);
  weights((b, from, to) => {
    for (let i = 0; i < end; i++)
      for (let j = 0; j < end; j++) y[to + i * end + j] += x[from + i * side + j] * weight[b];
  });
  const backward = (dy, gradient) => {
    const dx = new Float64Array(x.length);
    weights((b, from, to) => {
      for (let i = 0; i < end; i++)
        for (let j = 0; j < end; j++) {
          const slope = dy[to + i * end + j]; // y grows by the weight if the value grows by one, and the other way round
          dx[from + i * side + j] += weight[b] * slope;
          gradient.weight[b] += x[from + i * side + j] * slope;
        }
    });
    dy.forEach((slope, o) => { gradient.bias[Math.floor(o / (end * end))] += slope; });
    return dx;
  };
  return [y, backward];
}

// Add the four values of each 2 x 2 window, times one weight per map, plus one bias per map.
function subsampling(x, { weight, bias }, maps, side) {
  const end = side / 2;
  const place = (a) => { // the window of value number a, and its map
    const c = Math.floor(a / (side * side)), i = Math.floor(a / side) % side, j = a % side;
    return [(c * end + (i >> 1)) * end + (j >> 1), c];
  };
  const sums = new Float64Array(maps * end * end);
  x.forEach((value, a) => { sums[place(a)[0]] += value; });
  const y = sums.map((sum, o) => sum * weight[Math.floor(o / (end * end))] + bias[Math.floor(o / (end * end))]);
  const backward = (dy, gradient) => {
    dy.forEach((value, o) => {
      gradient.weight[Math.floor(o / (end * end))] += value * sums[o];
      gradient.bias[Math.floor(o / (end * end))] += value;
    });
    return x.map((_, a) => { const [o, c] = place(a); return dy[o] * weight[c]; }); // each gets the whole of it
  };
  return [y, backward];
}

// Return 1.7159 tanh(2x/3), which is +-1 where x is +-1; its slope follows from its value.
function squash(x) {
  const tanh = x.map((value) => Math.tanh((value * 2) / 3));
  return [tanh.map((t) => 1.7159 * t), (dy) => dy.map((value, k) => (value * 1.7159 * 2 / 3) * (1 - tanh[k] ** 2))];
}

// --- the network, the loss and the training

// Return the ten squared distances of an image to the pictures, and the way back: it adds to the gradients.
export function forward(weights, image) {
  const steps = [];
  let x = image; // 32 x 32, background -0.1 and ink 1.175
  for (const [name, layer, ...sizes] of LAYERS) {
    const [y, backward] = layer(x, weights[name], ...sizes);
    const [z, unsquash] = squash(y);
    steps.unshift([name, backward, unsquash]);
    x = z;
  }
  const last = x;
  const distances = CODES.map((code) => code.reduce((sum, point, k) => sum + (last[k] - point) ** 2, 0));
  const backpropagate = (dy, gradients) => {
    let dx = last.map((value, k) => CODES.reduce((sum, code, d) => sum + 2 * dy[d] * (value - code[k]), 0));
    for (const [name, backward, unsquash] of steps) dx = backward(unsquash(dx), gradients[name]);
    disconnect(gradients.C3.weight); // kernels that do not exist do not learn
  };
  return [distances, backpropagate];
}

// Return equation 9 of the paper and its gradient: E = y_right + log(e^-J + sum over the digits of e^-y).
export function loss(y, label) {
  const nearest = Math.min(J, ...y);
  const powers = y.map((distance) => Math.exp(nearest - distance)); // times e^nearest, so that nothing overflows
  const total = powers.reduce((sum, power) => sum + power, Math.exp(nearest - J));
  return [y[label] - nearest + Math.log(total), powers.map((power, d) => (d === label) - power / total)];
}

// Return weights of 0, for gradients and for the speed of each weight.
export function zeros(weights) {
  const empty = ({ weight, bias }) => ({ weight: weight.map(() => 0), bias: bias.map(() => 0) });
  return Object.fromEntries(Object.entries(weights).map(([name, layer]) => [name, empty(layer)]));
}

// Initialise; forward, error, backward, step; repeat. Return the share of right answers on images that were not used.
export function train({ images, labels }, training = 4000, epochs = 10, batch = 20, rate = 0.002, momentum = 0.9) {
  const random = numbers(1);
  const weights = start(random), speed = zeros(weights);
  let accuracy = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = shuffled(training, random);
    let sum = 0;
    for (let begin = 0; begin < training; begin += batch) {
      const gradients = zeros(weights);
      for (const n of order.slice(begin, begin + batch)) {
        const [y, backpropagate] = forward(weights, images[n]);
        const [error, dy] = loss(y, labels[n]);
        backpropagate(dy.map((value) => value / batch), gradients);
        sum += error;
      }
      for (const name in weights)
        for (const kind of ["weight", "bias"])
          gradients[name][kind].forEach((slope, k) => {
            speed[name][kind][k] = momentum * speed[name][kind][k] - rate * (1 - epoch / epochs) * slope;
            weights[name][kind][k] += speed[name][kind][k];
          });
    }
    const right = images.slice(training).filter((image, n) => {
      const [y] = forward(weights, image);
      return y.indexOf(Math.min(...y)) === labels[training + n];
    });
    accuracy = right.length / (images.length - training);
    const share = `${(100 * accuracy).toFixed(1)}%`;
    console.log(`epoch ${epoch + 1}  loss ${(sum / training).toFixed(2)}  right on new digits ${share}`);
  }
  return accuracy;
}

// --- the digits and the dice

// Return a source of evenly spread random numbers from 0 to 1 (mulberry32).
export function numbers(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function shuffled(count, random) {
  const order = Array.from({ length: count }, (_, k) => k);
  for (let k = count - 1; k > 0; k--) {
    const other = Math.floor(random() * (k + 1));
    [order[k], order[other]] = [order[other], order[k]];
  }
  return order;
}

// Return the 5,000 digits of MNIST that lie beside this project, from the bytes of an .npz file (a zip of arrays).
export async function digits(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset), arrays = {};
  for (let at = 0; at + 46 < bytes.length; at++) {
    if (view.getUint32(at, true) !== 0x02014b50) continue; // an entry of the table at the end of the zip
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + view.getUint16(at + 28, true)));
    const local = view.getUint32(at + 42, true), packed = view.getUint32(at + 20, true);
    const begin = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const stream = new Blob([bytes.subarray(begin, begin + packed)]).stream();
    const unpacked = new Response(stream.pipeThrough(new DecompressionStream("deflate-raw")));
    const whole = new Uint8Array(await unpacked.arrayBuffer());
    arrays[name] = whole.subarray(10 + whole[8] + 256 * whole[9]); // without the header of the array
  }
  const labels = arrays["labels.npy"];
  const order = shuffled(labels.length, numbers(0));
  const padded = (n) => Float64Array.from({ length: 1024 }, (_, k) => {
    const i = (k >> 5) - 2, j = (k & 31) - 2, inside = i >= 0 && i < 28 && j >= 0 && j < 28;
    return ((inside ? arrays["images.npy"][(n * 28 + i) * 28 + j] : 0) / 255) * 1.275 - 0.1;
  });
  return { images: order.map(padded), labels: order.map((n) => labels[n]) };
}

if (typeof process !== "undefined" && process.argv[1]?.endsWith("microlenet.mjs")) {
  const { readFileSync } = await import("node:fs");
  const file = new URL("../src/convscope/data/bundled/mnist-5k.npz", import.meta.url);
  train(await digits(new Uint8Array(readFileSync(file))));
}
