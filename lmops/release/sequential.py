"""Is one arm worse than the other? Asked after every request, as often as one likes.

An ordinary test holds its rate of false alarms if it is asked once. Asked again and again until it
says yes, it says yes in the end (Armitage, McPherson and Rowe, 1969). A confidence *sequence* holds
at all times at once: with probability 1 - alpha, the true difference never leaves it.

This one is Robbins' normal mixture (1970, "Statistical methods related to the law of the iterated
logarithm"), as Johari, Koomen, Pekelis and Walsh use it for two arms (2022, "Always Valid
Inference"), with variances that are estimated: an asymptotic confidence sequence in the sense of
Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024, "Time-uniform central limit theory"). It is
asymptotic: of a handful of requests it promises nothing, so `decision` waits for some. It takes
requests for independent; those of one user are alike, so a few heavy users weaken what it promises.
`tests/test_ops_release_sequential.py` counts what it does.
"""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64] | float


def variance(count: Numbers, total: Numbers, squares: Numbers) -> Numbers:
    """Return the variance of values, from their count, their sum and the sum of their squares.

    A 0 and a 1 are added to each, as if seen (Laplace's rule): an arm without an error so far has
    not shown that it never makes one, and a variance of 0 would say so.
    """
    mean = (total + 1) / (count + 2)
    return np.maximum((squares + 1) / (count + 2) - mean**2, 0.0)


def difference(
    one: tuple[Numbers, Numbers, Numbers],
    other: tuple[Numbers, Numbers, Numbers],
    alpha: float,
    scale: float,
) -> tuple[Numbers, Numbers]:
    """Return between which bounds the mean of `other` less that of `one` lies, at all times.

    Either arm is its count (above 0), its sum and the sum of its squares; arrays do as well. Each
    bound by itself is ever wrong with probability `alpha` at most. All `scale` does is to say for
    differences of which size the bounds are tightest.
    """
    apart = other[1] / other[0] - one[1] / one[0]
    noise = variance(*one) / one[0] + variance(*other) / other[0]
    # Both bounds together are the two-sided sequence at level 2 alpha.
    prior = scale**2
    within = np.log(1 / (2 * alpha)) + 0.5 * np.log1p(prior / noise)
    width = np.sqrt(2 * noise * (1 + noise / prior) * within)
    return apart - width, apart + width
