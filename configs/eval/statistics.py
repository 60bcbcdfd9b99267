"""How figures are summed up, what is too little to show, and how two runs are compared."""

from pydantic import Field

from configs.base import Config


class StatisticsConfig(Config):
    """Figures over all conversations.

    `least_n`: a rate of fewer trials is hidden (tau-voice's rule); its `n` and `hits` stay. `resamples`: of the
    percentile bootstrap. `seed`: of its draws, so that equal values give equal intervals.
    """

    least_n: int = Field(default=10, ge=1)
    resamples: int = Field(default=10_000, ge=100)
    seed: int = Field(default=0, ge=0)


class ComparisonConfig(Config):
    """Two runs of one suite.

    `alike`: settings that must be equal for two figures to be of the same measurement; a name stands for all below it.
    `statistics`: of the paired bootstrap.
    """

    alike: tuple[str, ...] = ("definitions", "condition", "data_sha256", "trials_sha256")
    statistics: StatisticsConfig = StatisticsConfig()
