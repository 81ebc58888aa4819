"""LeNet-5 of 1998 in one file of NumPy: the network, every gradient by hand, and its training on real digits.

    python examples/microlenet.py

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-Based Learning Applied to Document Recognition, 1998.
In the comments, dy stands for dE/dy: by how much the error E grows if y grows by one. Shapes: N images, C channels.
"""

from pathlib import Path

import numpy as np

# Which of the 6 maps of S2 each of the 16 maps of C3 looks at (table I of the paper).
TABLE = ["012", "123", "234", "345", "045", "015", "0123", "1234", "2345", "0345", "0145", "0125", "0134", "1245",
         "0235", "012345"]  # fmt: skip
# What the 84 units of F6 should say for each digit: a picture of 7 x 12 points, # is +1 and . is -1 (figure 3).
PICTURES = """
.#####. ....... ..###.. .##.##. ##...## ##...## ##...## ##...## .##.##. ..###.. ....... .......
...##.. ..###.. .####.. ...##.. ...##.. ...##.. ...##.. ...##.. ...##.. .###### ....... .......
.#####. ....... .#####. ##...## #....## ....##. ..###.. .##.... ##..... ####### ....... .......
####### .....## ....##. ...##.. ..####. .....## .....## .....## ##...## .#####. ....... .......
.#####. ....... ....... .##..## .##..## ###..## ##...## ##...## ##..### .###### .....## .....##
.#####. ....... ####### ##..... ##..... .####.. ..####. .....## ##...## .#####. ....... .......
..####. .##.... ##..... ##..... ######. ###..## ##...## ##...## ###..## .#####. ....... .......
####### .....## .....## ....##. ...##.. ...##.. ..##... ..##... ..##... ..##... ....... .......
.#####. ##...## ##...## ##...## .#####. ##...## ##...## ##...## ##...## .#####. ....... .......
.#####. ##..### ##...## ##...## ##..### .###### .....## .....## ....##. .####.. ....... .......
"""
CODES = np.array([[1.0 if c == "#" else -1.0 for c in row.replace(" ", "")] for row in PICTURES.strip().split("\n")])
CONNECTED = np.array([[[[float(str(c) in row)]] for c in range(6)] for row in TABLE])  # 16 x 6 x 1 x 1
J = 20.0  # the distance of "none of the ten digits" in the loss


def start(rng):
    """Draw the first weights evenly from +-2.4 / (number of inputs of a unit), as in the paper."""

    def draw(shape, inputs):
        return rng.uniform(-2.4 / inputs, 2.4 / inputs, shape)

    inputs = 25 * CONNECTED.sum((1, 2, 3))  # of a unit of each map of C3
    return {
        "C1.weight": draw((6, 1, 5, 5), 25), "C1.bias": draw(6, 25),
        "S2.weight": draw(6, 4), "S2.bias": draw(6, 4),
        "C3.weight": draw((16, 6, 5, 5), inputs[:, None, None, None]) * CONNECTED, "C3.bias": draw(16, inputs),
        "S4.weight": draw(16, 4), "S4.bias": draw(16, 4),
        "C5.weight": draw((120, 16, 5, 5), 400), "C5.bias": draw(120, 400),
        "F6.weight": draw((84, 120), 120), "F6.bias": draw(84, 120),
    }  # fmt: skip


# --- the layers: each function returns y and a function that turns dy into dx and the gradients of its weights


def convolution(x, weight, bias):
    """Slide the kernels over the maps: at each place, the sum of value times weight, plus one bias per kernel."""
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], (2, 3))  # N x C x H x W x 5 x 5
    y = np.tensordot(windows, weight, ([1, 4, 5], [1, 2, 3])).transpose(0, 3, 1, 2) + bias[:, None, None]

    def backward(dy):
        # A weight met one value at every place: its gradient is the sum of value times dy over all of them.
        dweight = np.tensordot(dy, windows, ([0, 2, 3], [0, 2, 3]))
        # A value met every weight of a kernel: pad dy, turn the kernels by 180 degrees, and slide again.
        edge = weight.shape[2] - 1
        padded = np.pad(dy, ((0, 0), (0, 0), (edge, edge), (edge, edge)))
        dwindows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], (2, 3))
        dx = np.tensordot(dwindows, weight[:, :, ::-1, ::-1], ([1, 4, 5], [0, 2, 3])).transpose(0, 3, 1, 2)
        return dx, dweight, dy.sum((0, 2, 3))

    return y, backward


def subsampling(x, weight, bias):
    """Add the four values of each 2 x 2 window, times one weight per map, plus one bias per map."""
    n, c, h, w = x.shape
    sums = x.reshape(n, c, h // 2, 2, w // 2, 2).sum((3, 5))

    def backward(dy):
        dsums = dy * weight[:, None, None]  # each of the four values gets the whole of it
        return dsums.repeat(2, 2).repeat(2, 3), (dy * sums).sum((0, 2, 3)), dy.sum((0, 2, 3))

    return sums * weight[:, None, None] + bias[:, None, None], backward


def linear(x, weight, bias):
    """Let every unit add up all inputs, each times its weight, plus its bias."""
    return x @ weight.T + bias, lambda dy: (dy @ weight, dy.T @ x, dy.sum(0))


def squash(x):
    """Return 1.7159 tanh(2x/3), which is +-1 where x is +-1; its slope follows from its value."""
    tanh = np.tanh(x * 2 / 3)
    return 1.7159 * tanh, lambda dy: dy * 1.7159 * 2 / 3 * (1 - tanh**2)


def distances(x):
    """Return the squared distance of the 84 values to the picture of each digit: the nearest is the answer."""
    difference = x[:, None] - CODES
    return (difference**2).sum(2), lambda dy: 2 * (dy[:, :, None] * difference).sum(1)


# --- the network, the loss and the training


def forward(weights, images):
    """Return the ten distances of each image, N x 10, and the way back: from their gradient to those of the weights."""
    x, steps = images, []  # N x 1 x 32 x 32, background -0.1 and ink 1.175
    for name, layer in [("C1", convolution), ("S2", subsampling), ("C3", convolution), ("S4", subsampling),
                        ("C5", convolution), ("F6", linear)]:  # fmt: skip
        x = x.reshape(len(x), -1) if name == "F6" else x
        x, backward = layer(x, weights[name + ".weight"], weights[name + ".bias"])
        x, unsquash = squash(x)
        steps.append((name, backward, unsquash))
    y, undistance = distances(x)

    def backpropagate(dy):
        gradients, dx = {}, undistance(dy)
        for name, backward, unsquash in reversed(steps):
            dx, gradients[name + ".weight"], gradients[name + ".bias"] = backward(unsquash(dx))
            dx = dx.reshape(*dx.shape, 1, 1) if name == "F6" else dx
        gradients["C3.weight"] *= CONNECTED  # kernels that do not exist do not learn
        return gradients

    return y, backpropagate


def loss(y, labels):
    """Return equation 9 of the paper, and its gradient: the right picture comes nearer, the others go away.

    E = mean of  y_right + log(e^-J + sum over the digits of e^-y)
    """
    rows = np.arange(len(y))
    nearest = np.minimum(y.min(1), J)
    powers = np.exp(nearest[:, None] - y)  # times e^nearest, so that nothing overflows
    total = np.exp(nearest - J) + powers.sum(1)
    dy = -powers / total[:, None]
    dy[rows, labels] += 1
    return np.mean(y[rows, labels] - nearest + np.log(total)), dy / len(y)


def digits():
    """Return the 5,000 digits of MNIST that lie beside this project: images as the paper feeds them, and labels."""
    folder = Path(__file__).resolve().parents[1] / "src" / "convscope" / "data" / "bundled"
    data = np.load(folder / "mnist-5k.npz")
    order = np.random.default_rng(0).permutation(len(data["labels"]))
    padded = np.pad(data["images"][order] / 255, ((0, 0), (2, 2), (2, 2)))
    return padded[:, None] * 1.275 - 0.1, data["labels"][order].astype(int)


def train(epochs=10, batch=20, rate=0.002, momentum=0.9, show=print):
    """Initialise; forward, error, backward, step; repeat. Return the weights and the share of right answers."""
    (images, labels), rng = digits(), np.random.default_rng(1)
    weights, accuracy = start(rng), 0.0
    speed = {name: np.zeros_like(value) for name, value in weights.items()}
    for epoch in range(epochs):
        losses, order = [], rng.permutation(4000)
        for chosen in order.reshape(-1, batch):
            y, backpropagate = forward(weights, images[chosen])
            error, dy = loss(y, labels[chosen])
            for name, gradient in backpropagate(dy).items():
                speed[name] = momentum * speed[name] - rate * (1 - epoch / epochs) * gradient
                weights[name] += speed[name]
            losses.append(error)
        accuracy = np.mean(forward(weights, images[4000:])[0].argmin(1) == labels[4000:])
        show(f"epoch {epoch + 1}  loss {np.mean(losses):6.2f}  right on 1,000 new digits {accuracy:.1%}")
    return weights, accuracy


if __name__ == "__main__":
    train()
