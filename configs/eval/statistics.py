"""How figures are aggregated, when there are too few trials to show one, and how two runs are compared."""

from pydantic import Field

from configs.base import Config


class StatisticsConfig(Config):
    """Figures over all conversations.

    `least_n`: a rate over fewer trials is hidden (tau-voice's rule); its `n` and `hits` are still shown. `resamples`:
    number of resamples of the percentile bootstrap. `seed`: seed of its draws, so that equal values give equal
    intervals.
    """

    least_n: int = Field(default=10, ge=1)
    resamples: int = Field(default=10_000, ge=100)
    seed: int = Field(default=0, ge=0)


class ComparisonConfig(Config):
    """How two runs of one suite are compared.

    `alike`: settings that must be equal for two figures to come from the same measurement; a name includes everything
    below it. `statistics`: settings of the paired bootstrap.
    """

    alike: tuple[str, ...] = ("definitions", "condition", "data_sha256", "trials_sha256")
    statistics: StatisticsConfig = StatisticsConfig()
