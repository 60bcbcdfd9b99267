"""What the scripted model says."""

from pydantic import Field

from configs.base import Config


class ScriptedConfig(Config):
    """`sentences` are the answers, taken in turn; the defaults last 3 to 12 s and have no long pause."""

    sentences: tuple[str, ...] = Field(
        default=(
            "That is a question people have asked for as long as anybody can remember and it is a good one.",
            "I would begin with the part that seems the easiest to you and leave the rest of it for another day.",
            "There was once a small village by the sea where the boats went out every morning and came back every "
            "evening with so much fish that nobody in the village ever went to bed hungry, until one day the boats "
            "stayed out.",
            "You can do it in two steps that take about an hour each and need nothing but a pencil and a sheet of "
            "paper and when you have done both of them you can look at it again with fresh eyes.",
            "It is mostly a matter of how much time you would like to spend on it.",
        ),
        min_length=1,
    )
