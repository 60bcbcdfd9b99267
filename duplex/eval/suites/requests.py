"""What a simulated user asks to be given a long answer, into which something is then played."""

from pathlib import Path

from configs.eval.evaluation import EvaluationConfig
from duplex.eval.users.clip import Clip
from duplex.eval.users.data_folder import DataFolder, TrialFolder


def long_requests(config: EvaluationConfig, data: Path, trials: Path) -> list[tuple[Clip, str]]:
    """Clips and words: trials whose right answer is long; without a folder of trials, Llama Questions.

    Raises:
        EvaluationError: neither is there, or the trials hold none.
    """
    folder = TrialFolder.of_any(trials)
    if folder is None:
        return [(question.clip, question.text) for question in DataFolder(data).llama_questions()]
    return [(trial.clip, trial.text) for trial in folder.requests(config.request_words)]
