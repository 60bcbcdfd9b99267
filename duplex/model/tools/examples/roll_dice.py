"""A dice."""

import random
from typing import Annotated

from pydantic import Field

MOST_DICE, MOST_SIDES = 20, 1000


def roll_dice(
    sides: Annotated[int, Field(ge=2, le=MOST_SIDES)] = 6, count: Annotated[int, Field(ge=1, le=MOST_DICE)] = 1
) -> str:
    """Roll one or several dice, or toss a coin (2 sides).

    Args:
        sides: how many sides each of them has
        count: how many are rolled
    """
    rolled = [random.SystemRandom().randint(1, sides) for _ in range(count)]
    return str(rolled[0]) if count == 1 else f"{', '.join(map(str, rolled))}; together {sum(rolled)}"
