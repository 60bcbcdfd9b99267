"""The report on what a pre-trained core knows, with foreign questions. The command is `duplex train knowledge`.

This module handles files; `duplex.train.text.evaluate` does the scoring.
"""

import json
from collections import defaultdict
from pathlib import Path

from safetensors.torch import load_model

from configs.model.language import PretrainConfig
from duplex.corpus.corpus import Corpus
from duplex.eval.measures.text_match import exist_match_norm
from duplex.eval.suites.domain import Domain
from duplex.eval.users.data_folder import DataFolder, Question
from duplex.io.whole_files import write_text
from duplex.model.layouts.tdm.core import Core
from duplex.model.layouts.tdm.text_assistant import TextAssistant
from duplex.model.text.spoken import list_spoken_words
from duplex.model.text.tokenizer import TextTokenizer
from duplex.train.text.evaluate import BATCH, Knowledge, shares
from duplex.train.text.noise import Mishearing
from duplex.train.text.pretrain import CORE, LONGEST_SCORED
from duplex.train.text.vocabulary import TOKENIZER, word_list


def run(config: PretrainConfig, folder: Path, out: Path, vocabulary: Path, data: Path | None = None) -> None:
    """Score `folder/core.safetensors`; write JSON to the file `out`.

    Args:
        config: configuration of the training.
        folder: output folder of the training.
        out: file of the report.
        vocabulary: folder of a model, for its tokenizer.
        data: folder of real audio, whose Llama Questions are asked as text.

    Raises:
        ConfigError: the vocabulary is missing or does not fit.
        EvaluationError: `data` has no questions.
    """
    core = Core(config.core).eval()
    load_model(core, str(folder / CORE))
    tokenizer = TextTokenizer.from_file(vocabulary / TOKENIZER)
    corpus = Corpus.build(config.corpus)
    schedule = config.schedule.model_copy(update={"window_slots": config.longest})
    assistant = TextAssistant(core, tokenizer, schedule, LONGEST_SCORED)
    knowledge = Knowledge(corpus, config.evaluation_rows, config.seed)
    report: dict[str, object] = {"clean": knowledge.report(assistant)}
    report["misheard"] = knowledge.report(assistant, Mishearing(config.noise, word_list(corpus)))
    if data:
        questions = DataFolder(data).llama_questions()
        report["llama_questions"] = foreign(assistant, knowledge, Domain(corpus), questions)
    write_text(out, json.dumps(report, indent=1) + "\n")


def foreign(
    assistant: TextAssistant, knowledge: Knowledge, domain: Domain, questions: list[Question]
) -> dict[str, object]:
    """Right answers and refusals by the domain of a question, with every question and its answer."""
    said: list[str] = []
    asked = [" ".join(list_spoken_words(question.text)) for question in questions]
    for first in range(0, len(asked), BATCH):
        said += assistant.answer("", asked[first : first + BATCH])
    rows = [
        {
            "place": domain.place(question.text, question.answer),
            "question": question.text,
            "answer": question.answer,
            "said": answer,
            "right": exist_match_norm(answer, question.answer),
            "refused": knowledge.refuses(answer),
        }
        for question, answer in zip(questions, said, strict=True)
    ]
    places: dict[str, list[dict[str, object]]] = defaultdict(list)
    for row in rows:
        places[str(row["place"])].append(row)
    found: dict[str, object] = {
        place: {name: shares(name, [bool(row[name]) for row in of]) for name in ("right", "refused")}
        for place, of in sorted(places.items())
    }
    return {**found, "rows": rows}
