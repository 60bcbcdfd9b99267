"""Requests with which a simulated user asks for a long answer, during which something is played."""

from pathlib import Path

from configs.eval.evaluation import EvaluationConfig
from duplex.eval.users.clip import Clip
from duplex.eval.users.data_folder import DataFolder, TrialFolder


def long_requests(config: EvaluationConfig, data: Path, trials: Path) -> list[tuple[Clip, str]]:
    """Clips and their words: trials whose right answer is long; without a folder of trials, Llama Questions.

    Raises:
        EvaluationError: neither exists, or the trials have none.
    """
    folder = TrialFolder.of_any(trials)
    if folder is None:
        return [(question.clip, question.text) for question in DataFolder(data).llama_questions()]
    return [(trial.clip, trial.text) for trial in folder.requests(config.request_words)]
