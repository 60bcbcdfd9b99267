"""Names of the suites and the question that each answers. Nothing is imported, so that the command line starts
quickly."""

from typing import Final

TURN_TAKING: Final = "turn-taking"
REACTIVE: Final = "turn-taking-reactive"
QUESTIONS: Final = {
    TURN_TAKING: "Two questions of one user: is it silent while the user speaks, and does it answer?",
    REACTIVE: "A question while it gives a long answer: does it stop, and answer the question?",
    "turn-taking@k": "OmniFlatten's Acc@K: who holds the turn 40, 200, 400 and 1,000 ms after it should change?",
    "overlap": "Sounds while it speaks: does it stop for interruptions, and keep speaking for all others?",
    "pauses": "Pauses inside turns, human clips, nobody at all: does it wait, and answer soon after the end?",
    "understanding": "Spoken questions: are the answers right, and does it say when it does not know?",
    "spoken-qa": "Spoken questions with published answers: are they right as text, as speech, and asked in writing?",
    "speech": "Its own voice: is it understood, does it sound clean, does it click?",
}
"""Suite -> the question that it answers."""
