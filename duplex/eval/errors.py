"""The one error of the evaluation."""


class EvaluationError(Exception):
    """A measurement cannot be made. The message says what, why and how to mend it, in one line."""
