"""How parameters move against their gradients: SGD with momentum, and Adam.

An optimiser is a tuple of numbers, `SGD` or `Adam`. For an epoch it becomes *rates* (`of_epoch`), with one value for
each step where it may change; in compiled code, rates become those of a step (`at_step`), by which `move` moves eight
parameters at a time, soon after their old values were used for the last time.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit
from numba.extending import overload

from truly_sparse.engine.compiled import INLINED
from truly_sparse.engine.vector import (
    above_zero,
    add,
    below,
    divide,
    load,
    multiply,
    select,
    splat,
    square_root,
    store,
    store_some,
    subtract,
)

#: One number for an epoch, or one for each of its steps.
PerStep = float | npt.NDArray[np.floating]


class SGD(NamedTuple):
    """Stochastic gradient descent: v <- momentum v - rate g; w <- w + v - decay w.

    With `nesterov`, w <- w + momentum v - rate g - decay w, with the new v. The decay is not multiplied by the rate;
    with `coupled` it enters the gradient instead, g + decay w. With `clip` > 0, g is shortened to that norm (over all
    parameters) where it is longer. Rate, momentum and decay may be arrays, one value for each step of an epoch (of the
    decay all are 0, or none); `lookahead` is the momentum in the step of w where it is another than that in the step of
    v (see `of_gradients`).
    """

    rate: PerStep
    momentum: PerStep = 0.9
    decay: PerStep = 0.0002
    clip: float = 0.0
    nesterov: bool = False
    coupled: bool = False
    lookahead: PerStep | None = None


class Adam(NamedTuple):
    """Adam (Kingma and Ba 2015), with the gradient of ``l1 * |w|`` added to that of a parameter w.

    m <- m + (1 - beta1)(g - m); v <- v + (1 - beta2)(g^2 - v);
    w <- w - rate m c1 / (sqrt(v c2) + epsilon) - decay w, with c = 1 / (1 - beta^t) after t steps of the network.
    A new link starts with m = v = 0. `clip` as in `SGD`. Rate and decay may be arrays, as in `SGD`.
    """

    rate: PerStep
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    l1: float = 0.0
    decay: PerStep = 0.0
    clip: float = 0.0


Optimiser = SGD | Adam


class MomentumRates(NamedTuple):
    """`SGD` in compiled code; rate, both momenta and decay are float32 arrays for an epoch, numbers for a step."""

    rate: npt.NDArray[np.float32] | np.float32
    momentum: npt.NDArray[np.float32] | np.float32
    lookahead: npt.NDArray[np.float32] | np.float32
    decay: npt.NDArray[np.float32] | np.float32
    nesterov: bool
    coupled: bool
    #: What a coupled gradient is multiplied by where it was too long; else the rate is.
    share: np.float32


class AdamRates(NamedTuple):
    """`Adam` in compiled code; rate and decay are float32 arrays for an epoch, numbers for a step: rate c1, decay."""

    rate: npt.NDArray[np.float32] | np.float32
    beta1: float
    beta2: float
    epsilon: np.float32
    l1: np.float32
    decay: npt.NDArray[np.float32] | np.float32
    #: c2 (an array for an epoch, where it is known `in_advance`), and what the gradient is multiplied by where it was
    #: too long.
    spread: npt.NDArray[np.float32] | np.float32
    share: np.float32


def of_gradients(optimiser: SGD, before: float, steps: int) -> SGD:
    """Return SGD whose velocity is a sum of gradients, which each step multiplies by its own rate, as PyTorch's is.

    Parameters
    ----------
    optimiser : SGD
        Its rates are not 0.
    before : float
        Rate of the step before the first one, by which the velocity that there is was multiplied.
    steps : int
        Of the epoch.
    """
    rate = np.broadcast_to(np.asarray(optimiser.rate, np.float64), (steps,))
    last = np.concatenate(([before], rate[:-1]))
    return optimiser._replace(momentum=optimiser.momentum * (rate / last), lookahead=optimiser.momentum)


def of_epoch(optimiser: Optimiser, steps: int) -> MomentumRates | AdamRates:
    """Return the rates for an epoch of so many steps."""
    rate, decay, one = _per_step(optimiser.rate, steps), _per_step(optimiser.decay, steps), np.float32(1)
    if 0 < np.count_nonzero(decay) < steps:
        raise ValueError("a decay of 0 in some steps, and not in others")  # `rests` looks at one
    if isinstance(optimiser, SGD):
        ahead = optimiser.momentum if optimiser.lookahead is None else optimiser.lookahead
        momentum, lookahead = _per_step(optimiser.momentum, steps), _per_step(ahead, steps)
        return MomentumRates(rate, momentum, lookahead, decay, optimiser.nesterov, optimiser.coupled, one)
    epsilon, l1 = np.float32(optimiser.epsilon), np.float32(optimiser.l1)
    return AdamRates(rate, float(optimiser.beta1), float(optimiser.beta2), epsilon, l1, decay, one, one)


def of_steps(rates: MomentumRates | AdamRates, first: int, count: int = 1) -> MomentumRates | AdamRates:
    """Return the rates of an epoch that consists of some of its steps."""
    some = slice(first, first + count)
    rate, decay = np.asarray(rates.rate)[some], np.asarray(rates.decay)[some]
    if isinstance(rates, AdamRates):
        return rates._replace(rate=rate, decay=decay)
    momentum, lookahead = np.asarray(rates.momentum)[some], np.asarray(rates.lookahead)[some]
    return rates._replace(rate=rate, decay=decay, momentum=momentum, lookahead=lookahead)


def in_advance(rates: MomentumRates | AdamRates, powers: npt.NDArray[np.float64]) -> MomentumRates | AdamRates:
    """Return the rates of an epoch of which `step_of` takes any step's; Adam's `powers` go on to its end."""
    if isinstance(rates, MomentumRates):
        return rates
    alone = np.asarray(rates.rate, np.float64)
    spread = np.empty_like(alone)
    for step in range(len(alone)):
        powers *= (rates.beta1, rates.beta2)
        alone[step] /= 1.0 - powers[0]
        spread[step] = 1.0 / (1.0 - powers[1])
    return rates._replace(rate=alone.astype(np.float32), spread=spread.astype(np.float32))


def _per_step(value: PerStep, steps: int) -> npt.NDArray[np.float32]:
    values = np.asarray(value, np.float32)
    if values.ndim and values.shape != (steps,):
        raise ValueError(f"rates of {values.shape[0]} steps do not fit an epoch of {steps} steps")
    return np.ascontiguousarray(np.broadcast_to(values, (steps,)))


def at_step(rates, step, powers):
    """Return the rates of a step; `powers` (float64: beta1^t, beta2^t) go on by one step. Compiled code only."""
    raise NotImplementedError


@overload(at_step, jit_options=INLINED)
def _at_step(rates, step, powers):
    if rates.instance_class is MomentumRates:

        def momentum_at(rates, step, powers):
            rate, momentum, lookahead = rates.rate[step], rates.momentum[step], rates.lookahead[step]
            return MomentumRates(rate, momentum, lookahead, rates.decay[step], rates.nesterov, rates.coupled,
                                 rates.share)  # fmt: skip

        return momentum_at

    def adam_at(rates, step, powers):
        powers[0] *= rates.beta1
        powers[1] *= rates.beta2
        rate = np.float32(np.float64(rates.rate[step]) / (1.0 - powers[0]))
        spread = np.float32(1.0 / (1.0 - powers[1]))
        return AdamRates(rate, rates.beta1, rates.beta2, rates.epsilon, rates.l1, rates.decay[step], spread,
                         np.float32(1.0))  # fmt: skip

    return adam_at


def step_of(rates, step):
    """Return the rates of a step of those that `in_advance` returned. Compiled code only."""
    raise NotImplementedError


@overload(step_of, jit_options=INLINED)
def _step_of(rates, step):
    if rates.instance_class is MomentumRates:
        return lambda rates, step: at_step(rates, step, ())

    def adam_of(rates, step):
        return AdamRates(rates.rate[step], rates.beta1, rates.beta2, rates.epsilon, rates.l1, rates.decay[step],
                         rates.spread[step], rates.share)  # fmt: skip

    return adam_of


def shortened(rates, share):
    """Return the rates of a step whose gradient is to be multiplied by `share`, float32. Compiled code only."""
    raise NotImplementedError


@overload(shortened, jit_options=INLINED)
def _shortened(rates, share):
    if rates.instance_class is MomentumRates:

        def momentum_shortened(rates, share):
            rate = rates.rate if rates.coupled else rates.rate * share
            return MomentumRates(
                rate, rates.momentum, rates.lookahead, rates.decay, rates.nesterov, rates.coupled, share
            )

        return momentum_shortened

    def adam_shortened(rates, share):
        return AdamRates(
            rates.rate, rates.beta1, rates.beta2, rates.epsilon, rates.l1, rates.decay, rates.spread, share
        )

    return adam_shortened


@njit(**INLINED)
def put(vector, array, k, count, lanes):
    """Store the first `count` of a vector's lanes at ``array[k:]``, which has room for all. Compiled code only."""
    if count < lanes:  # what lies behind them may be another thread's
        store_some(vector, array, k, below(count, lanes))
    else:
        store(vector, array, k)


def rest(rates, velocity):
    """Keep velocities through a step in which their parameters rest. Compiled code only.

    Where a velocity is a sum of gradients times the rate (`of_gradients`), that is the step's own from then on.
    """
    raise NotImplementedError


@overload(rest, jit_options=INLINED)
def _rest(rates, velocity):
    if rates.instance_class is MomentumRates:

        def rest_by_momentum(rates, velocity):
            if rates.momentum != rates.lookahead:
                share = rates.momentum / rates.lookahead
                for k in range(velocity.shape[0]):
                    velocity[k] *= share

        return rest_by_momentum

    def rest_by_adam(rates, velocity):
        pass

    return rest_by_adam


def move(rates, slope, values, velocity, second, k, count):
    """Move the `count` (at most eight) parameters from k on against their gradients, a vector. Compiled code only.

    The arrays have room for eight from k on.
    """
    raise NotImplementedError


@overload(move, jit_options=INLINED)
def _move(rates, slope, values, velocity, second, k, count):
    if rates.instance_class is MomentumRates:

        def move_by_momentum(rates, slope, values, velocity, second, k, count):
            value, speed = by_momentum(rates, slope, load(values, k, 8), load(velocity, k, 8), 8)
            put(speed, velocity, k, count, 8)
            put(value, values, k, count, 8)

        return move_by_momentum

    def move_by_adam(rates, slope, values, velocity, second, k, count):
        value, mean, square = by_adam(rates, slope, load(values, k, 8), load(velocity, k, 8), load(second, k, 8), 8)
        put(mean, velocity, k, count, 8)
        put(square, second, k, count, 8)
        put(value, values, k, count, 8)

    return move_by_adam


@njit(**INLINED)
def by_momentum(rates, slope, value, velocity, lanes):
    """Return vectors of values and velocities after a step of SGD. Compiled code only."""
    decay, momentum = splat(rates.decay, lanes), splat(rates.momentum, lanes)
    if rates.coupled:
        slope = add(multiply(splat(rates.share, lanes), slope), multiply(decay, value))
    down = multiply(splat(rates.rate, lanes), slope)
    speed = subtract(multiply(momentum, velocity), down)
    moved = add(value, speed)
    if rates.nesterov:
        moved = add(value, subtract(multiply(splat(rates.lookahead, lanes), speed), down))
    if not rates.coupled:
        moved = subtract(moved, multiply(decay, value))
    return moved, speed


@njit(**INLINED)
def by_adam(rates, slope, value, mean, square, lanes):
    """Return vectors of values and of both moments after a step of Adam. Compiled code only."""
    pull, zero = splat(rates.l1, lanes), splat(np.float32(0), lanes)
    sign = select(above_zero(value), pull, select(above_zero(subtract(zero, value)), subtract(zero, pull), zero))
    slope = add(multiply(splat(rates.share, lanes), slope), sign)
    mean = add(mean, multiply(splat(np.float32(1.0 - rates.beta1), lanes), subtract(slope, mean)))
    square = add(
        square, multiply(splat(np.float32(1.0 - rates.beta2), lanes), subtract(multiply(slope, slope), square))
    )
    spread = add(square_root(multiply(square, splat(rates.spread, lanes))), splat(rates.epsilon, lanes))
    moved = subtract(value, divide(multiply(splat(rates.rate, lanes), mean), spread))
    return subtract(moved, multiply(splat(rates.decay, lanes), value)), mean, square


def coast(rates, first, last, values, velocity, second, k, count):
    """Move the `count` parameters from k on, at most 32, through steps whose gradient is zero. Compiled code only.

    The steps are those of `in_advance` from `first` up to `last`, between which all stays in registers. The arrays have
    room for 32 from k on.
    """
    raise NotImplementedError


@overload(coast, jit_options=INLINED)
def _coast(rates, first, last, values, velocity, second, k, count):
    if rates.instance_class is MomentumRates:

        def coast_by_momentum(rates, first, last, values, velocity, second, k, count):
            zero = splat(np.float32(0), 16)
            value, speed = load(values, k, 16), load(velocity, k, 16)
            if count > 16:
                other, its_speed = load(values, k + 16, 16), load(velocity, k + 16, 16)
                for step in range(first, last):
                    now = step_of(rates, step)
                    value, speed = by_momentum(now, zero, value, speed, 16)
                    other, its_speed = by_momentum(now, zero, other, its_speed, 16)
                put(other, values, k + 16, count - 16, 16)
                put(its_speed, velocity, k + 16, count - 16, 16)
            else:
                for step in range(first, last):
                    value, speed = by_momentum(step_of(rates, step), zero, value, speed, 16)
            put(value, values, k, count, 16)
            put(speed, velocity, k, count, 16)

        return coast_by_momentum

    def coast_by_adam(rates, first, last, values, velocity, second, k, count):
        zero = splat(np.float32(0), 16)
        for at in range(k, k + count, 16):
            value, mean, square = load(values, at, 16), load(velocity, at, 16), load(second, at, 16)
            for step in range(first, last):
                value, mean, square = by_adam(step_of(rates, step), zero, value, mean, square, 16)
            put(value, values, at, k + count - at, 16)
            put(mean, velocity, at, k + count - at, 16)
            put(square, second, at, k + count - at, 16)

    return coast_by_adam


def rests(rates, step, velocity, second, k, count):
    """Return whether gradients of zero, from a step on, leave the `count` parameters from k on as they are. Compiled
    code only.
    """
    raise NotImplementedError


@overload(rests, jit_options=INLINED)
def _rests(rates, step, velocity, second, k, count):
    if rates.instance_class is MomentumRates:

        def rests_by_momentum(rates, step, velocity, second, k, count):
            still = rates.decay[step] == 0
            for own in range(k, k + count if still else k):
                still &= velocity[own] == 0
            return still

        return rests_by_momentum

    def rests_by_adam(rates, step, velocity, second, k, count):
        still = rates.decay[step] == 0 and rates.l1 == 0
        for own in range(k, k + count if still else k):
            still &= velocity[own] == 0 and second[own] == 0
        return still

    return rests_by_adam
