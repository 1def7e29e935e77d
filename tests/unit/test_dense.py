"""Dense networks: gradients against central differences and another library, the compiled epoch against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from lifsim.ann import losses
from lifsim.ann.activations import KNEE, NAMES, Activation, lif
from lifsim.ann.layers import Layers
from lifsim.ann.training import Epochs, Recipe, train

RHO, GAIN = 0.1, 3.0
HIDDEN = [name for name in NAMES if name != "softmax"]
ENDS = [("mse", name) for name in NAMES] + [(loss, end) for loss, end in losses.FUSED.items()]


def network(hidden="tanh", loss="mse", end="identity", sizes=(5, 7, 6, 3), seed=1) -> Layers:
    """A network with biases and weights of the size of those that training makes."""
    rng = np.random.default_rng(seed)
    net = Layers(sizes, (*(Activation(hidden, RHO, GAIN) for _ in sizes[2:]), Activation(end, RHO, GAIN)), loss)
    net.initialise(rng)
    net.theta += 0.1 * rng.normal(size=len(net.theta))
    return net


def data(net: Layers, n=9, seed=2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x, k = rng.normal(size=(n, net.sizes[0])), net.sizes[-1]
    return x, np.eye(k)[rng.integers(0, k, n)] if net.loss == "cross_entropy" else rng.random((n, k))


def differences(net: Layers, x: np.ndarray, y: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """The derivative of the loss by each parameter from two values of it: error about h² and 1e-16 / h."""
    out = np.empty_like(net.theta)
    for i, own in enumerate(net.theta.copy()):
        pair = []
        for there in (own + h, own - h):
            net.theta[i] = there
            pair.append(losses.loss_and_gradient(net.loss, net.activations[-1], net.forward(x)[0][-1], y)[0])
        net.theta[i] = own
        out[i] = (pair[0] - pair[1]) / (2 * h)
    return out


def apart(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize(("loss", "end"), ENDS)
def test_gradients_are_those_of_central_differences(hidden, loss, end):
    net = network(hidden, loss, end)
    x, y = data(net)
    sums = np.concatenate([z.ravel() for z in net.forward(x)[0]])
    assert np.abs(sums).min() > 1e-4 and np.abs(sums - KNEE / GAIN).min() > 1e-4  # away from the kinks
    value, gradient = net.gradient(x, y)
    expected = differences(net, x, y)
    assert apart(gradient, expected) < 1e-7
    compiled_value, compiled = Epochs(net, Recipe(batch_size=len(x)), x, y).gradient(np.arange(len(x)))
    assert compiled_value == pytest.approx(value, rel=1e-13)
    assert apart(compiled, gradient) < 1e-13
    assert apart(compiled, expected) < 1e-7


@pytest.mark.parametrize("sizes", [(4, 2), (3, 5, 1), (6, 5, 4, 3, 2)])
def test_any_number_of_layers(sizes):
    net = network(sizes=sizes)
    x, y = data(net, 6)
    assert apart(Epochs(net, Recipe(batch_size=6), x, y).gradient(np.arange(6))[1], differences(net, x, y)) < 1e-7


def test_a_wrong_gradient_would_be_seen():
    net = network()
    x, y = data(net)
    gradient = net.gradient(x, y)[1]
    gradient[10] *= 1.001
    assert apart(gradient, differences(net, x, y)) > 1e-7


@pytest.mark.parametrize("rho", [0.0, 0.1, 0.5])
def test_lif_is_the_rate_of_the_neuron_above_the_knee_and_smooth_at_it(rho):
    """The rate of a neuron that is integrated in tiny steps: tau_m dv/dt = J - v, reset from 1 to 0."""
    for z in (0.05, 0.3, 2.0):
        v, t, h = 0.0, 0.0, 1e-5
        while v < 1:
            v += h * (1 + z - v)
            t += h
        assert lif(np.array([z]), rho)[0] == pytest.approx(1 / (t + rho), rel=1e-3)
    e = 1e-7
    below, at, above = lif(np.array([KNEE - e, KNEE, KNEE + e]), rho)
    assert (above - at) / e == pytest.approx((at - below) / e, rel=1e-3)
    z = np.linspace(-5, 5, 1001)
    assert (np.diff(lif(z, rho)) > 0).all() and lif(np.array([-1.0]), rho)[0] < 1e-4


# -- the compiled epoch ----------------------------------------------------------------------------


def adam(theta, m, v, g, t, rate):
    """Kingma & Ba 2015, algorithm 1."""
    m[:] = 0.9 * m + 0.1 * g
    v[:] = 0.999 * v + 0.001 * g**2
    theta -= rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)


def momentum(theta, m, v, g, t, rate):
    m[:] = 0.9 * m + g
    theta -= rate * m


def sgd(theta, m, v, g, t, rate):
    theta -= rate * g


@pytest.mark.parametrize("step", [sgd, momentum, adam])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize(("loss", "end"), [("cross_entropy", "softmax"), ("mse", "identity")])
def test_epochs_are_those_of_plain_numpy(step, weight_decay, loss, end):
    """Three epochs with a smaller last batch."""
    net, twin = network("tanh", loss, end), network("tanh", loss, end)
    x, y = data(net, 23)
    epochs = Epochs(net, Recipe(solver=step.__name__, batch_size=5, weight_decay=weight_decay), x, y)
    m, v, t, rng = np.zeros_like(twin.theta), np.zeros_like(twin.theta), 0, np.random.default_rng(3)
    for _ in range(3):
        order, total = rng.permutation(23), 0.0
        for first in range(0, 23, 5):
            some = order[first : first + 5]
            value, g = twin.gradient(x[some], y[some])
            for gW, W in zip((W for W, _ in twin.views(g)), twin.weights, strict=True):
                gW += weight_decay * W
            t += 1
            step(twin.theta, m, v, g, t, 0.01)
            total += value * len(some)
        assert epochs(order, 0.01) == pytest.approx(total / 23, rel=1e-12)
    assert apart(net.theta, twin.theta) < 1e-12


def test_float32_follows_float64():
    nets = {}
    for dtype in ("float32", "float64"):
        net = network("relu", "cross_entropy", "softmax")
        net.theta = net.theta.astype(dtype)
        x, y = (part.astype(dtype) for part in data(net, 50))
        assert Epochs(net, Recipe(), x, y)(np.arange(50), 0.01) > 0
        nets[dtype] = net.theta
        assert net.theta.dtype == dtype
    assert apart(nets["float32"], nets["float64"]) < 1e-5


def test_the_seed_decides():
    thetas = []
    for seed in (1, 1, 2):
        net = network("relu", "cross_entropy", "softmax")
        recipe = Recipe(epochs=3)
        train(Epochs(net, recipe, *data(net, 50)), recipe, np.random.default_rng(seed))
        thetas.append(net.theta)
    np.testing.assert_array_equal(thetas[0], thetas[1])
    assert (thetas[0] != thetas[2]).any()


# -- another library -------------------------------------------------------------------------------


def in_torch(net: Layers, x, y):
    """The loss by torch, its parameters as leaves."""
    torch = pytest.importorskip("torch")
    leaves = [torch.tensor(part, requires_grad=True) for W, b in net.views(net.theta.copy()) for part in (W, b)]
    a = torch.tensor(x)
    for k, f in enumerate(net.activations):
        z = a @ leaves[2 * k].T + leaves[2 * k + 1]
        a = torch_activation(torch, f)(z)
    y = torch.tensor(y)
    functions = {
        "mse": lambda: torch.nn.functional.mse_loss(a, y),
        "binary_cross_entropy": lambda: torch.nn.functional.binary_cross_entropy_with_logits(z, y),
        "cross_entropy": lambda: torch.nn.functional.cross_entropy(z, y),
    }
    return functions[net.loss](), leaves


def torch_activation(torch, f: Activation):
    def curve(z):
        value, rate = (torch.tensor(x) for x in _knee())
        z = GAIN * z
        below = value * torch.exp(rate * (torch.clamp(z, max=KNEE) - KNEE))
        return torch.where(z > KNEE, 1 / (RHO + torch.log1p(1 / torch.clamp(z, min=KNEE))), below) / GAIN

    def _knee():
        value = 1 / (RHO + np.log(1 + 1 / KNEE))
        return value, value / (KNEE * (1 + KNEE))

    own = {"identity": lambda z: z, "softmax": lambda z: torch.softmax(z, 1), "lif": curve}
    return own.get(f.name) or getattr(torch, f.name)


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize(("loss", "end"), ENDS)
def test_gradients_are_those_of_torch(hidden, loss, end):
    net = network(hidden, loss, end)
    x, y = data(net, 17)
    value, leaves = in_torch(net, x, y)
    value.backward()
    expected = np.concatenate([leaf.grad.numpy().ravel() for leaf in leaves])
    ours, gradient = Epochs(net, Recipe(batch_size=17), x, y).gradient(np.arange(17))
    assert ours == pytest.approx(value.item(), rel=1e-13)
    assert apart(gradient, expected) < 1e-12


@pytest.mark.parametrize(("solver", "made"), [("sgd", "SGD"), ("momentum", "SGD"), ("adam", "Adam")])
def test_solvers_are_those_of_torch(solver, made):
    torch = pytest.importorskip("torch")
    net = network("tanh", "cross_entropy", "softmax")
    x, y = data(net, 17)
    start = net.theta.copy()
    epochs = Epochs(net, Recipe(solver=solver, batch_size=17, weight_decay=0.0), x, y)
    twin = Layers(net.sizes, net.activations, net.loss, start)
    leaves = in_torch(twin, x, y)[1]
    options = {"momentum": 0.9} if solver == "momentum" else {}
    optimiser = getattr(torch.optim, made)(leaves, lr=0.01, **options)
    for _ in range(20):
        epochs(np.arange(17), 0.01)
        twin.theta = np.concatenate([leaf.detach().numpy().ravel() for leaf in leaves])
        value, fresh = in_torch(twin, x, y)
        value.backward()
        for leaf, own in zip(leaves, fresh, strict=True):
            leaf.grad = own.grad
        optimiser.step()
    expected = np.concatenate([leaf.detach().numpy().ravel() for leaf in leaves])
    assert apart(net.theta, expected) < 1e-12
