from __future__ import annotations

import math
import random
import secrets
from collections import Counter
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from edge.release.noise import RandBelow, discrete_gaussian, standard_deviation

DRAWS = 20_000
Sampler = Callable[[RandBelow], int]


def _pmf(variance: float) -> dict[int, float]:
    reach = math.ceil(12 * math.sqrt(variance)) + 2
    weights = {x: math.exp(-x * x / (2 * variance)) for x in range(-reach, reach + 1)}
    total = math.fsum(weights.values())
    return {x: weight / total for x, weight in weights.items()}


def _p_value(draws: list[int], variance: float) -> float:
    """Chi-square of the draws against the exact probabilities, rare values pooled."""
    seen = Counter(draws)
    expected = {x: len(draws) * p for x, p in _pmf(variance).items()}
    common = [x for x, count in expected.items() if count >= 5]
    rare_expected = len(draws) - sum(expected[x] for x in common)
    rare_seen = len(draws) - sum(seen[x] for x in common)
    statistic = sum((seen[x] - expected[x]) ** 2 / expected[x] for x in common)
    if rare_expected > 1e-9:
        statistic += (rare_seen - rare_expected) ** 2 / rare_expected
    return float(chi2.sf(statistic, df=len(common)))


def _exact(variance: Fraction) -> Sampler:
    return lambda randbelow: discrete_gaussian(variance, randbelow=randbelow)


def _rounded(variance: Fraction) -> Sampler:
    """What people write who do not know better."""
    return lambda randbelow: round(
        random.Random(randbelow(2**62)).gauss(0, math.sqrt(float(variance)))
    )


def _double_zero(variance: Fraction) -> Sampler:
    """The classic slip: minus zero counted as another zero, here with 1/2 more of it."""

    def sample(randbelow: RandBelow) -> int:
        drawn = discrete_gaussian(variance, randbelow=randbelow)
        return 0 if drawn in {-1, 1} and randbelow(8) == 0 else drawn

    return sample


def _draw(sampler: Sampler, *, seed: int) -> list[int]:
    randbelow = random.Random(seed).randrange
    return [sampler(randbelow) for _ in range(DRAWS)]


@pytest.mark.parametrize(
    "variance", [Fraction(1, 10), Fraction(5, 16), Fraction(5, 4), Fraction(25), Fraction(100)]
)
def test_draws_follow_the_exact_probabilities(variance: Fraction) -> None:
    assert _p_value(_draw(_exact(variance), seed=1), float(variance)) > 1e-3


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(_rounded(Fraction(5, 16)), id="a rounded continuous Gaussian"),
        pytest.param(_double_zero(Fraction(5, 16)), id="too many zeros"),
        pytest.param(_exact(Fraction(3, 8)), id="another variance"),
        pytest.param(lambda randbelow: abs(_exact(Fraction(5, 16))(randbelow)), id="one-sided"),
    ],
)
def test_the_test_finds_wrong_samplers(wrong: Sampler) -> None:
    assert _p_value(_draw(wrong, seed=1), 5 / 16) < 1e-6


@pytest.mark.parametrize("variance", [Fraction(1, 20), Fraction(5, 16), Fraction(2), Fraction(99)])
def test_the_stated_deviation_is_the_noise_s_own(variance: Fraction) -> None:
    second = math.fsum(x * x * p for x, p in _pmf(float(variance)).items())
    assert standard_deviation(variance) == pytest.approx(math.sqrt(second), rel=1e-9)


def test_the_stated_deviation_is_seamless() -> None:
    below, above = standard_deviation(Fraction(100)), standard_deviation(Fraction(10_001, 100))
    assert above / below == pytest.approx(math.sqrt(1.0001), rel=1e-9)


@given(seed=st.integers(0, 2**32), variance=st.fractions(Fraction(1, 50), 10**6))
def test_any_variance_gives_an_integer_within_reason(seed: int, variance: Fraction) -> None:
    drawn = discrete_gaussian(variance, randbelow=random.Random(seed).randrange)
    assert isinstance(drawn, int)
    assert abs(drawn) <= 12 * math.sqrt(float(variance)) + 12


def test_the_system_s_randomness_does(seeded: Callable[[int], RandBelow]) -> None:
    draws = {discrete_gaussian(Fraction(10**6), randbelow=secrets.randbelow) for _ in range(50)}
    assert len(draws) > 40
    again = [discrete_gaussian(Fraction(25), randbelow=seeded(3)) for _ in range(2)]
    assert again[0] == again[1]


@pytest.mark.parametrize("variance", [Fraction(0), Fraction(-1)])
def test_no_variance_is_no_noise_and_an_error(variance: Fraction) -> None:
    with pytest.raises(ValueError, match="not positive"):
        discrete_gaussian(variance, randbelow=secrets.randbelow)
