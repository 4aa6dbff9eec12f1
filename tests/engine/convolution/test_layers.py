"""Layers: the printed sizes of the sources' networks, and what is refused."""

import pytest

from truly_sparse.engine.convolution import architectures
from truly_sparse.engine.convolution.layers import Convolution, MaxPool, Plan
from truly_sparse.errors import UserError

CIFAR = (3, 32, 32)


def weights(plan):
    return sum(plan.sizes[source] * plan.sizes[target] for source, target in plan.pairs)


def biases(plan):
    return sum(plan.shapes[made].channels for made, _ in plan.biases)


@pytest.mark.parametrize(
    ("layers", "parameters", "multiply_adds"),
    [
        (architectures.spas(10, shortcuts=False), 149_242, 5_816_960),
        (architectures.spas(100, shortcuts=False), 155_092, 5_816_960 + 64 * 90),
        (architectures.spas(10), 294_730, 11_125_376),
        (architectures.spas(100), 300_580, 11_125_376 + 64 * 90),
        (architectures.densenet(10), 275_676, None),
        (architectures.densenet(100), 298_266, None),
        (architectures.lenet(10), 253_290, None),
        (architectures.lenet(10, (32, 64), (512, 256)), 1_007_306, None),
        (architectures.lenet(10, (64, 128), (1024, 512)), 4_017_546, None),
    ],
)
def test_networks_of_the_sources_have_the_printed_parameters(layers, parameters, multiply_adds):
    """Links and biases; Muller counts multiply-adds with transitions before their pooling, four times as many."""
    plan = Plan(CIFAR, layers)
    assert weights(plan) + biases(plan) == parameters
    if multiply_adds:
        assert plan.multiply_adds == multiply_adds


@pytest.mark.parametrize(
    ("make", "last"),
    [
        (architectures.plain, "mish"),
        (architectures.spas, "none"),
        (architectures.densenet, "none"),
        (architectures.lenet, "mish"),
    ],
)
def test_every_layer_between_picture_and_outputs_bends_what_it_takes_as_asked(make, last):
    first, *between, outputs = [one for one in make(10, activation="mish") if isinstance(one, Convolution)]
    assert (first.activation, outputs.activation) == ("none", last)
    assert {layer.activation for layer in between if layer.sources != (0,)} == {"mish"}


def test_transitions_before_their_pooling_make_mullers_multiply_adds():
    transitions = 16 * 32 * 8 * 8 + 32 * 64 * 4 * 4
    for shortcuts, printed in ((False, 6_013_568), (True, 11_321_984)):
        plan = Plan(CIFAR, architectures.spas(10, shortcuts))
        assert plan.multiply_adds + 3 * transitions == printed


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        ([Convolution((1,), 4)], "layer 1 takes maps"),
        ([Convolution((), 4)], "layer 1 takes maps"),
        ([Convolution((0, 0), 4)], "layer 1 takes maps"),
        ([Convolution((0,), 4)], "one position"),
        ([Convolution((0,), 4, norm=True)], r"^layer 1 normalises the picture \(map 0\), .* set norm False$"),
        ([Convolution((0,), 4), Convolution((0, 1), 4, norm=True)], "layer 2 normalises the picture"),
        ([Convolution((0,), 4, 9, 0)], "does not fit"),
        ([Convolution((0,), 4, 3, 3)], "a border is smaller"),
        ([Convolution((0,), 4, activation="tanh")], "unknown"),
        ([Convolution((0,), 4), MaxPool(1), Convolution((1, 2), 4)], "different rows"),
        (
            [Convolution((0,), 4), MaxPool(1), Convolution((1,), 2, 1, 0, True, pool="global")],
            "^layer 2 pools map 1, which another layer normalises$",
        ),
        ([Convolution((0,), 4, 8, 0)], "pool 'flatten'"),
        ([Convolution((0,), 4, 1, 0, pool="global"), Convolution((1,), 4)], "pool 'flatten'"),
        ([Convolution((0,), 4, 1, 0, pool="global"), MaxPool(1)], "pools a map of 1 x 1 to one position"),
        ([MaxPool(0), MaxPool(1), MaxPool(2)], "pools a map of 2 x 2 to one position"),
        ([Convolution((0,), 4, 1, 0, pool="flatten"), Convolution((1,), 4, 1, 0, pool="global")], "pool 'none'"),
        ([Convolution((0,), 4, 1, 0, pool="global"), Convolution((1,), 4, 1, 0, pool="flatten")], "pool 'none'"),
        ([Convolution((0,), 4, 1, 0, pool="global"), Convolution((1,), 4, 2, 1)], "set kernel 1"),
        (
            [
                *(Convolution((n,), 4, pool="none" if n == 0 else "max") for n in range(3)),
                Convolution((3,), 2, 1, 0, pool="max"),
            ],
            "^layer 4: pool 'max' leaves one position; for that, pool 'flatten_max'$",
        ),
        (
            [
                *(Convolution((n,), 4, pool="none" if n == 0 else "average") for n in range(3)),
                Convolution((3,), 2, 1, 0, pool="average"),
            ],
            "^layer 4: pool 'average' leaves one position; for that, pool 'global'$",
        ),
        ([], "one position"),
    ],
)
def test_layers_that_do_not_fit_are_refused_in_one_line(layers, text):
    with pytest.raises(UserError, match=text) as error:
        Plan((2, 8, 8), layers)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("picture", [(0, 8, 8), (3, 1, 1)])
def test_pictures_have_several_positions(picture):
    with pytest.raises(UserError, match="several positions"):
        Plan(picture, [Convolution((0,), 4)])


@pytest.mark.parametrize("pool", ["max", "average", "flatten_max"])
@pytest.mark.parametrize("border", [0, 1])
def test_maps_of_one_row_are_not_pooled_to_nothing(pool, border):
    with pytest.raises(UserError, match="layer 1 pools a map of 1 x 8 positions: nothing is left of it"):
        Plan((2, 1, 8), [Convolution((0,), 4, 2, border, pool=pool), Convolution((1,), 2, 1, 0, pool="global")])


@pytest.mark.parametrize("picture", [(2, 2, 8), (2, 8, 2)])
def test_a_kernel_that_is_longer_than_one_side_does_not_fit(picture):
    with pytest.raises(UserError, match="does not fit"):
        Plan(picture, [Convolution((0,), 4, 3, 0, pool="global")])
