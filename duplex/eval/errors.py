"""The error type of the evaluation."""


class EvaluationError(Exception):
    """A measurement cannot be made. The message says what, why and how to fix it, in one line."""
