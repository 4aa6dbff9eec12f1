"""One training epoch of the Gesture network, by us and by others: the same shapes, batches, dropout and update.

Each peer is a function that returns a function; calling that trains one epoch. All use one thread, float32,
batch 128, momentum 0.9, decay 0.0002 and dropout 0.2 (scikit-learn has no dropout and is let off it).
"""

from collections.abc import Callable

import numpy as np
from scipy import sparse

from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.network import Optimiser, SparseMLP
from truly_sparse.engine.streams import Streams

SIZES = (50, 1000, 1000, 1000, 5)
ROWS, BATCH, ETA, MOMENTUM, DECAY, DROPOUT = 6318, 128, 0.01, 0.9, 0.0002, 0.2
STEPS = ROWS // BATCH

Epoch = Callable[[], None]


def problem() -> tuple[np.ndarray, np.ndarray]:
    """Return random features and labels of the shape of Gesture's training part."""
    rng = np.random.default_rng(0)
    return rng.random((ROWS, SIZES[0]), dtype=np.float32), rng.integers(0, SIZES[-1], ROWS)


def network(epsilon: float, storage: str = "bfloat16") -> SparseMLP:
    """Return the truly sparse network all sparse peers take their topology from (ReLU)."""
    return SparseMLP.erdos_renyi(SIZES, epsilon, [0.0] * (len(SIZES) - 2), Streams(0).start, storage=storage)


def multiply_adds(epsilon: float) -> int:
    """Return the multiply-adds of one epoch of the sparse network."""
    links = network(epsilon).link_counts
    return (3 * sum(links) - links[0]) * BATCH * STEPS


def truly_sparse(epsilon: float) -> Epoch:
    """Return an epoch of our engine, activations stored as bfloat16 as by default."""
    return _ours(network(epsilon))


def truly_sparse_single(epsilon: float) -> Epoch:
    """Return an epoch of our engine, activations stored as float32."""
    return _ours(network(epsilon, "float32"))


def numpy_dense(_: float) -> Epoch:
    """Return an epoch of our dense baseline, NumPy products on BLAS."""
    return _ours(DenseMLP(SIZES, [0.0] * (len(SIZES) - 2), Streams(0).start))


def _ours(model: SparseMLP | DenseMLP) -> Epoch:
    x, y = problem()
    order = Streams(0).order
    state = {"step": 0}

    def epoch() -> None:
        model.train_epoch(x, y, order.permutation(ROWS), BATCH, Optimiser(ETA), DROPOUT, 7, state["step"])
        state["step"] += STEPS

    return epoch


def torch_dense(_: float) -> Epoch:
    """Return an epoch of the dense network written the usual way in PyTorch."""
    import torch

    torch.set_num_threads(1)
    x, y = (torch.from_numpy(array) for array in problem())
    layers: list[torch.nn.Module] = []
    for n_in, n_out in zip(SIZES[:-1], SIZES[1:], strict=True):
        layers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU(), torch.nn.Dropout(DROPOUT)]
    model = torch.nn.Sequential(*layers[:-2])
    optimiser = torch.optim.SGD(model.parameters(), lr=ETA, momentum=MOMENTUM, weight_decay=DECAY)
    loss = torch.nn.CrossEntropyLoss()

    def epoch() -> None:
        order = torch.randperm(ROWS)
        for step in range(STEPS):
            rows = order[step * BATCH : (step + 1) * BATCH]
            optimiser.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            optimiser.step()

    return epoch


def scipy_csr(epsilon: float) -> Epoch:
    """Return an epoch of the same sparse step written with SciPy CSR products."""
    rng = np.random.default_rng(1)
    weights = [
        sparse.csr_array((b.values, np.divmod(b.links(), b.n_out)), shape=(b.n_in, b.n_out)).T.tocsr()
        for b in network(epsilon).blocks
    ]
    targets = [np.repeat(np.arange(w.shape[0]), np.diff(w.indptr)) for w in weights]

    def gradient(layer: int, delta: np.ndarray, below: np.ndarray) -> np.ndarray:
        return np.einsum("kb,kb->k", delta[targets[layer]], below[weights[layer].indices])

    return _written_out(
        weights=[w.data for w in weights],
        forward=lambda layer, a: weights[layer] @ a,
        backward=lambda layer, delta: weights[layer].T @ delta,
        gradient=gradient,
        rng=rng,
    )


def torch_csr(epsilon: float) -> Epoch:
    """Return an epoch of the same sparse step written with PyTorch CSR tensors (MKL)."""
    import torch

    torch.set_num_threads(1)
    torch.sparse.check_sparse_tensor_invariants.disable()
    matrices, transposes, orders, values = [], [], [], []
    for block in network(epsilon).blocks:
        csr = sparse.csr_array((block.values, np.divmod(block.links(), block.n_out)), shape=(block.n_in, block.n_out))
        numbered = csr.copy()
        numbered.data = np.arange(1, csr.nnz + 1, dtype=np.float64)
        flipped = numbered.T.tocsr()  # [output][input], remembering where each value lies in `csr`
        orders.append(torch.from_numpy(flipped.data.astype(np.int64) - 1))
        values.append(torch.from_numpy(csr.data.copy()))
        shapes = ((csr, csr.shape), (flipped, flipped.shape))
        pair = [
            torch.sparse_csr_tensor(torch.from_numpy(m.indptr), torch.from_numpy(m.indices), torch.zeros(m.nnz), size)
            for m, size in shapes
        ]
        transposes.append(pair[0])
        matrices.append(pair[1])

    def forward(layer: int, a: np.ndarray) -> np.ndarray:
        matrices[layer].values().copy_(values[layer][orders[layer]])
        return (matrices[layer] @ torch.from_numpy(a)).numpy()

    def backward(layer: int, delta: np.ndarray) -> np.ndarray:
        transposes[layer].values().copy_(values[layer])
        return (transposes[layer] @ torch.from_numpy(delta)).numpy()

    def gradient(layer: int, delta: np.ndarray, below: np.ndarray) -> np.ndarray:
        mask = transposes[layer]
        below_t, delta_t = torch.from_numpy(below), torch.from_numpy(delta)
        return torch.sparse.sampled_addmm(mask, below_t, delta_t.T, beta=0.0).values().numpy()

    return _written_out([v.numpy() for v in values], forward, backward, gradient, np.random.default_rng(1))


def _written_out(
    weights: list[np.ndarray],
    forward: Callable[[int, np.ndarray], np.ndarray],
    backward: Callable[[int, np.ndarray], np.ndarray],
    gradient: Callable[[int, np.ndarray, np.ndarray], np.ndarray],
    rng: np.random.Generator,
) -> Epoch:
    """Return the training step around three given sparse products, in plain NumPy."""
    x, y = problem()
    velocity = [np.zeros_like(w) for w in weights]
    biases = [np.zeros((n, 1), np.float32) for n in SIZES[1:]]
    bias_velocity = [np.zeros_like(b) for b in biases]

    def update(values: np.ndarray, speed: np.ndarray, slope: np.ndarray) -> None:
        speed *= np.float32(MOMENTUM)
        speed -= np.float32(ETA) * slope
        values += speed - np.float32(DECAY) * values

    def epoch() -> None:
        order = rng.permutation(ROWS)
        for step in range(STEPS):
            rows = order[step * BATCH : (step + 1) * BATCH]
            activations, factors = [np.ascontiguousarray(x[rows].T)], []
            for layer, bias in enumerate(biases):
                z = forward(layer, activations[-1]) + bias
                if layer < len(biases) - 1:
                    factor = (z > 0) * (rng.random(z.shape, dtype=np.float32) >= DROPOUT) / np.float32(1 - DROPOUT)
                    factors.append(factor.astype(np.float32))
                    z = z * factors[-1]
                activations.append(z)
            delta = np.exp(activations[-1] - activations[-1].max(axis=0))
            delta /= delta.sum(axis=0)
            delta[y[rows], np.arange(BATCH)] -= 1
            delta = (delta / np.float32(BATCH)).astype(np.float32)
            for layer in range(len(biases) - 1, -1, -1):
                slope = gradient(layer, delta, activations[layer])
                below = backward(layer, delta) * factors[layer - 1] if layer else None
                update(biases[layer], bias_velocity[layer], delta.sum(axis=1, keepdims=True))
                update(weights[layer], velocity[layer], slope)
                delta = below

    return epoch


def sklearn_mlp(_: float) -> Epoch:
    """Return an epoch of scikit-learn's MLPClassifier."""
    from sklearn.neural_network import MLPClassifier

    x, y = problem()
    model = MLPClassifier(
        SIZES[1:-1], solver="sgd", batch_size=BATCH, learning_rate_init=ETA, momentum=MOMENTUM, nesterovs_momentum=False
    )
    classes = np.arange(SIZES[-1])
    rng = np.random.default_rng(2)

    def epoch() -> None:
        order = rng.permutation(ROWS)[: STEPS * BATCH]
        model.partial_fit(x[order], y[order], classes=classes)

    return epoch


#: name -> (function, whether it depends on epsilon, package that must be installed)
PEERS: dict[str, tuple[Callable[[float], Epoch], bool, str]] = {
    "truly sparse (ours)": (truly_sparse, True, "truly_sparse"),
    "truly sparse (ours, float32 storage)": (truly_sparse_single, True, "truly_sparse"),
    "NumPy + OpenBLAS, dense (ours)": (numpy_dense, False, "numpy"),
    "PyTorch, dense": (torch_dense, False, "torch"),
    "scikit-learn MLPClassifier, dense": (sklearn_mlp, False, "sklearn"),
    "PyTorch CSR": (torch_csr, True, "torch"),
    "SciPy CSR": (scipy_csr, True, "scipy"),
}
