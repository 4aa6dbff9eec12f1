"""The same network by us and by others: one training epoch, with the same batches, dropout and update, and prediction.

All use one thread, float32 where the name does not say otherwise, batch 128, momentum 0.9, decay 0.0002 and dropout 0.2
(scikit-learn has no dropout and is let off it).
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.streams import Streams

#: The network of journal table 1, and that of the estimators on 50 features, of which each becomes 32 ramps.
SIZES, ESTIMATOR_SIZES = (50, 1000, 1000, 1000, 5), (1600, 200, 200, 5)
ROWS, BATCH, ETA, MOMENTUM, DECAY, DROPOUT = 6318, 128, 0.01, 0.9, 0.0002, 0.2
STEPS = ROWS // BATCH
#: Links whose two rows, gathered for their gradients, stay in the cache.
CHUNK = 512
#: Rows that a peer predicts at a time, so that the activations of a layer stay in the cache.
PIECE = 250

Floats = npt.NDArray[np.float32]
Sizes = Sequence[int]


class Peer(NamedTuple):
    """A network ready to train and predict: `epoch` trains one epoch, `predict` returns probabilities of rows."""

    epoch: Callable[[], object]
    predict: Callable[[Floats], Floats]


class Kind(NamedTuple):
    """How a peer is made, whether its cost depends on epsilon, and what it needs."""

    make: Callable[[Sizes, float], Peer]
    sparse: bool
    package: str
    #: MKL asks whether the processor is Intel's before it takes its quickest code; such a peer is told that it is.
    intel: bool = False
    #: An instruction, by LLVM's name, without which it would be hundreds of times slower.
    needs: str = ""


@functools.cache
def problem(sizes: Sizes = SIZES) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return random features and labels with the rows of Gesture's training part."""
    rng = np.random.default_rng(0)
    return rng.random((ROWS, sizes[0]), dtype=np.float32), rng.integers(0, sizes[-1], ROWS)


def network(sizes: Sizes, epsilon: float, storage: str = "bfloat16") -> SparseMLP:
    """Return the truly sparse network all sparse peers take their topology from (ReLU)."""
    return SparseMLP.erdos_renyi(sizes, epsilon, [0.0] * (len(sizes) - 2), Streams(0).start, storage=storage)


@functools.cache
def multiply_adds(epsilon: float) -> int:
    """Return the multiply-adds of one training step of the sparse network."""
    links = network(SIZES, epsilon).link_counts
    return (3 * sum(links) - links[0]) * BATCH


def truly_sparse(sizes: Sizes, epsilon: float) -> Peer:
    """Return our engine, activations stored as bfloat16 while it trains, as by default."""
    return _ours(network(sizes, epsilon))


def truly_sparse_single(sizes: Sizes, epsilon: float) -> Peer:
    """Return our engine, activations stored as float32."""
    return _ours(network(sizes, epsilon, "float32"))


def numpy_dense(sizes: Sizes, _: float) -> Peer:
    """Return our dense baseline, NumPy products on BLAS."""
    return _ours(DenseMLP(sizes, [0.0] * (len(sizes) - 2), Streams(0).start))


def _ours(model: SparseMLP | DenseMLP) -> Peer:
    x, y = problem(tuple(model.sizes))
    order = Streams(0).order
    state = {"step": 0}

    def epoch() -> None:
        model.train_epoch(x, y, order.permutation(ROWS), BATCH, SGD(ETA), DROPOUT, 7, state["step"])
        state["step"] += STEPS

    return Peer(epoch, model.predict_proba)


def torch_dense(sizes: Sizes, _: float, half: bool = False) -> Peer:
    """Return the dense network written the usual way in PyTorch, with the quickest of its three updates: the fused.

    With `half`, products are of bfloat16 (autocast), which processors with AVX512_BF16 do twice as fast.
    """
    import torch

    torch.set_num_threads(1)
    x, y = (torch.from_numpy(array) for array in problem(sizes))
    layers: list[torch.nn.Module] = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):
        layers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU(), torch.nn.Dropout(DROPOUT)]
    model = torch.nn.Sequential(*layers[:-2])
    optimiser = torch.optim.SGD(model.parameters(), lr=ETA, momentum=MOMENTUM, weight_decay=DECAY, fused=True)
    loss = torch.nn.CrossEntropyLoss()
    cast = functools.partial(torch.autocast, "cpu", torch.bfloat16, enabled=half)

    def epoch() -> None:
        model.train()
        order = torch.randperm(ROWS)
        for step in range(STEPS):
            rows = order[step * BATCH : (step + 1) * BATCH]
            optimiser.zero_grad()
            with cast():
                error = loss(model(x[rows]), y[rows])
            error.backward()
            optimiser.step()

    @torch.inference_mode()
    def predict(rows: Floats) -> Floats:
        model.eval()
        with cast():
            found = [torch.softmax(model(torch.from_numpy(piece)).float(), 1) for piece in _pieces(rows)]
        return torch.cat(found).numpy()

    return Peer(epoch, predict)


def _pieces(rows: Floats) -> Iterator[Floats]:
    return (rows[start : start + PIECE] for start in range(0, len(rows), PIECE))


class Products(Protocol):
    """Three sparse products of every layer, on activations and errors [neuron][row]; `values` are what is learnt."""

    values: list[Floats]

    def forward(self, layer: int, a: Floats, changed: bool) -> Floats:
        """Return the layer's sums; `changed` says that values may have changed since the last call."""

    def backward(self, layer: int, delta: Floats) -> Floats:
        """Return the error of the layer below."""

    def gradient(self, layer: int, delta: Floats, below: Floats) -> Floats:
        """Return the gradient of every value."""


class _Scipy:
    def __init__(self, model: SparseMLP) -> None:
        self.weights = [_csr(block).T.tocsr() for block in model.blocks]
        self.values = [w.data for w in self.weights]
        self.targets = [np.repeat(np.arange(w.shape[0]), np.diff(w.indptr)) for w in self.weights]

    def forward(self, layer: int, a: Floats, changed: bool) -> Floats:
        del changed  # the matrix holds the values themselves
        return self.weights[layer] @ a

    def backward(self, layer: int, delta: Floats) -> Floats:
        return self.weights[layer].T @ delta

    def gradient(self, layer: int, delta: Floats, below: Floats) -> Floats:
        targets, sources = self.targets[layer], self.weights[layer].indices
        found = np.empty(len(targets), np.float32)
        for start in range(0, len(targets), CHUNK):
            part = slice(start, start + CHUNK)
            np.einsum("kb,kb->k", delta[targets[part]], below[sources[part]], out=found[part])
        return found


class _Torch:
    def __init__(self, model: SparseMLP) -> None:
        import torch

        torch.set_num_threads(1)
        torch.sparse.check_sparse_tensor_invariants.disable()
        self.torch = torch
        self.values, self.matrices, self.transposes, self.orders = [], [], [], []
        for block in model.blocks:
            csr = _csr(block)
            numbered = csr.copy()
            numbered.data = np.arange(1, csr.nnz + 1, dtype=np.float64)
            flipped = numbered.T.tocsr()  # [output][input], remembering where each value lies in `csr`
            self.values.append(csr.data.copy())
            self.orders.append(torch.from_numpy(flipped.data.astype(np.int64) - 1))
            self.transposes.append(self._tensor(csr))
            self.matrices.append(self._tensor(flipped))

    def _tensor(self, m):
        torch = self.torch
        return torch.sparse_csr_tensor(
            torch.from_numpy(m.indptr), torch.from_numpy(m.indices), torch.zeros(m.nnz), m.shape
        )

    def forward(self, layer: int, a: Floats, changed: bool) -> Floats:
        if changed:
            values = self.torch.from_numpy(self.values[layer])
            self.matrices[layer].values().copy_(values[self.orders[layer]])
        return (self.matrices[layer] @ self.torch.from_numpy(a)).numpy()

    def backward(self, layer: int, delta: Floats) -> Floats:
        self.transposes[layer].values().copy_(self.torch.from_numpy(self.values[layer]))
        return (self.transposes[layer] @ self.torch.from_numpy(delta)).numpy()

    def gradient(self, layer: int, delta: Floats, below: Floats) -> Floats:
        below_t, delta_t = self.torch.from_numpy(below), self.torch.from_numpy(delta)
        found = self.torch.sparse.sampled_addmm(self.transposes[layer], below_t, delta_t.T, beta=0.0)
        return found.values().numpy()


def _csr(block) -> sparse.csr_array:
    return sparse.csr_array((block.values, np.divmod(block.links(), block.n_out)), shape=(block.n_in, block.n_out))


def scipy_csr(sizes: Sizes, epsilon: float) -> Peer:
    """Return the same sparse step written with SciPy CSR products, gradients a cacheful of links at a time."""
    return _written_out(sizes, _Scipy(network(sizes, epsilon)))


def torch_csr(sizes: Sizes, epsilon: float) -> Peer:
    """Return the same sparse step written with PyTorch CSR tensors (MKL)."""
    return _written_out(sizes, _Torch(network(sizes, epsilon)))


def _written_out(sizes: Sizes, products: Products) -> Peer:
    """Return the training step around given sparse products, in plain NumPy."""
    x, y = problem(sizes)
    rng = np.random.default_rng(1)
    velocity = [np.zeros_like(w) for w in products.values]
    biases = [np.zeros((n, 1), np.float32) for n in sizes[1:]]
    bias_velocity = [np.zeros_like(b) for b in biases]

    def update(values: Floats, speed: Floats, slope: Floats) -> None:
        speed *= np.float32(MOMENTUM)
        speed -= np.float32(ETA) * slope
        values += speed - np.float32(DECAY) * values

    def softmax(logits: Floats) -> Floats:
        e = np.exp(logits - logits.max(axis=0))
        return e / e.sum(axis=0)

    def epoch() -> None:
        order = rng.permutation(ROWS)
        for step in range(STEPS):
            rows = order[step * BATCH : (step + 1) * BATCH]
            activations, factors = [np.ascontiguousarray(x[rows].T)], []
            for layer, bias in enumerate(biases):
                z = products.forward(layer, activations[-1], changed=True) + bias
                if layer < len(biases) - 1:
                    factor = (z > 0) * (rng.random(z.shape, dtype=np.float32) >= DROPOUT) / np.float32(1 - DROPOUT)
                    factors.append(factor.astype(np.float32))
                    z = z * factors[-1]
                activations.append(z)
            delta = softmax(activations[-1])
            delta[y[rows], np.arange(BATCH)] -= 1
            delta = (delta / np.float32(BATCH)).astype(np.float32)
            for layer in range(len(biases) - 1, -1, -1):
                slope = products.gradient(layer, delta, activations[layer])
                below = products.backward(layer, delta) * factors[layer - 1] if layer else None
                update(biases[layer], bias_velocity[layer], delta.sum(axis=1, keepdims=True))
                update(products.values[layer], velocity[layer], slope)
                delta = below

    def predict(rows: Floats) -> Floats:
        found = []
        for piece in _pieces(rows):
            a = np.ascontiguousarray(piece.T)
            for layer, bias in enumerate(biases):
                a = products.forward(layer, a, changed=not found) + bias
                if layer < len(biases) - 1:
                    a = np.maximum(a, np.float32(0))
            found.append(softmax(a).T)
        return np.concatenate(found)

    return Peer(epoch, predict)


def sklearn_mlp(sizes: Sizes, _: float) -> Peer:
    """Return scikit-learn's MLPClassifier."""
    from sklearn.neural_network import MLPClassifier

    x, y = problem(sizes)
    model = MLPClassifier(
        sizes[1:-1], solver="sgd", batch_size=BATCH, learning_rate_init=ETA, momentum=MOMENTUM, nesterovs_momentum=False
    )
    classes = np.arange(sizes[-1])
    rng = np.random.default_rng(2)

    def epoch() -> None:
        order = rng.permutation(ROWS)[: STEPS * BATCH]
        model.partial_fit(x[order], y[order], classes=classes)

    model.partial_fit(x[:BATCH], y[:BATCH], classes=classes)  # before that it cannot predict
    return Peer(epoch, model.predict_proba)


OURS, OURS_SINGLE = "truly sparse (ours)", "truly sparse (ours), float32 activations"
NUMPY, SCIPY_CSR = "NumPy + OpenBLAS, dense (ours)", "SciPy CSR"
#: What the peers are called; the beginnings are what tables take the best of.
TORCH_DENSE, TORCH_CSR, INTEL = "PyTorch, dense", "PyTorch CSR", "MKL's Intel path"
HALF = f"{TORCH_DENSE}, bfloat16 products"

PEERS = {
    OURS: Kind(truly_sparse, True, "truly_sparse"),
    OURS_SINGLE: Kind(truly_sparse_single, True, "truly_sparse"),
    NUMPY: Kind(numpy_dense, False, "numpy"),
    TORCH_DENSE: Kind(torch_dense, False, "torch"),
    f"{TORCH_DENSE}, {INTEL}": Kind(torch_dense, False, "torch", intel=True),
    f"{HALF}, {INTEL}": Kind(functools.partial(torch_dense, half=True), False, "torch", intel=True, needs="avx512bf16"),
    "scikit-learn MLPClassifier, dense": Kind(sklearn_mlp, False, "sklearn"),
    TORCH_CSR: Kind(torch_csr, True, "torch"),
    f"{TORCH_CSR}, {INTEL}": Kind(torch_csr, True, "torch", intel=True),
    SCIPY_CSR: Kind(scipy_csr, True, "scipy"),
}
