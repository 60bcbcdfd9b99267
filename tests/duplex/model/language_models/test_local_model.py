"""Answers of a local model: nothing is read twice, what was kept changes nothing, and conversations take turns."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from configs.model.language_models import LanguageModelConfig
from duplex.model.language_models.chat_template import ChatTemplate
from duplex.model.language_models.interface import AnswerPiece, ChatMessage, LlmError
from duplex.model.language_models.load_local import LoadedLlm, load_llm_parts
from duplex.model.language_models.local_model import LocalModel
from duplex.model.language_models.smollm2 import FOLDER, SMOLLM2
from duplex.model.weights.user_cache import user_cache
from tests.duplex.model.language_models.tiny_llm import SYSTEM, answer, tiny_config, write_folder

QUESTION = [SYSTEM, ChatMessage("user", "What is the tallest mountain of the world?")]
OTHER = [SYSTEM, ChatMessage("user", "Who painted the Mona Lisa, and when was that?")]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> LoadedLlm:
    """A tiny Llama that no token ends."""
    loaded = load_llm_parts(tiny_config(write_folder(tmp_path_factory.mktemp("llm"))))
    return replace(loaded, stops=frozenset())


def model_of(parts: LoadedLlm, places: int = 2048, stops: frozenset[int] = frozenset(), **values: Any) -> LocalModel:
    config = tiny_config(Path("tiny"), **values)
    return LocalModel(config, replace(parts, places=places, stops=stops))


def run(model: LocalModel) -> list[tuple[int, AnswerPiece]]:
    """Steps until there is nothing to do."""
    return [piece for _ in iter(lambda: model.idle, True) for piece in model.step()]


def ids_of(parts: LoadedLlm, messages: list[ChatMessage]) -> list[int]:
    return parts.template.encode(parts.template.write(messages))


def written(parts: LoadedLlm, messages: list[ChatMessage], count: int) -> list[int]:
    """The likeliest tokens, by transformers' own loop."""
    import torch

    prompt = torch.tensor([ids_of(parts, messages)])
    out = parts.network.module.generate(
        prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=count, do_sample=False, pad_token_id=0,
        eos_token_id=[],
    )  # fmt: skip
    return [int(token) for token in out[0, prompt.shape[1] :]]


def test_the_likeliest_answer_is_transformers_own(parts: LoadedLlm) -> None:
    expected = parts.tokenizer.decode(written(parts, QUESTION, 12), skip_special_tokens=True)
    assert answer(model_of(parts), QUESTION) == expected.replace("�", "")


def test_an_answer_ends_at_a_stop_token_or_when_it_is_long_enough(parts: LoadedLlm) -> None:
    tokens = written(parts, QUESTION, 12)
    stop = next(index for index, token in enumerate(tokens) if index > 2 and token not in tokens[:index])
    stopped = model_of(parts, stops=frozenset({tokens[stop]}))
    stopped.begin(7, 0, QUESTION)
    pieces = run(stopped)
    assert {request for request, _ in pieces} == {7}
    assert [piece.finish for _, piece in pieces if piece.finish] == ["stop"]
    long = model_of(parts)
    long.begin(8, 0, QUESTION)
    assert run(long)[-1][1].finish == "length"


def test_nothing_is_read_twice(parts: LoadedLlm) -> None:
    model, talk = model_of(parts), list(QUESTION)
    for _ in range(4):
        read = len(ids_of(parts, talk))
        before = model.prefilled
        talk.append(ChatMessage("assistant", "Mount Everest."))
        answer(model, talk[:-1])
        fresh = model.prefilled - before
        talk.append(ChatMessage("user", "And the next one?"))
        assert fresh <= read if len(talk) == 4 else fresh < 0.5 * read
    # Each prompt was read once; an answer of the model itself, which was not what the history says, is replaced by it.
    whole = len(ids_of(parts, talk[:-1]))
    assert model.prefilled <= whole + 4


def test_what_was_kept_changes_no_answer(parts: LoadedLlm) -> None:
    model = model_of(parts)
    first = answer(model, QUESTION)
    talks = [
        [*QUESTION, ChatMessage("assistant", first), ChatMessage("user", "Why?")],
        [*QUESTION, ChatMessage("assistant", first[: len(first) // 2] + " —"), ChatMessage("user", "Go on.")],
        OTHER,
        QUESTION,
    ]
    for talk in talks:
        assert answer(model, talk) == answer(model_of(parts), talk)


def test_words_that_were_read_ahead_are_not_read_again(parts: LoadedLlm) -> None:
    model, told = model_of(parts), QUESTION[1].content.split()
    for count in range(1, len(told) + 1):
        model.prefill(0, [SYSTEM, ChatMessage("user", " ".join(told[:count]))])
        run(model)
    ahead = model.prefilled
    said = answer(model, QUESTION)
    assert ahead == len(parts.template.encode(parts.template.write_begun(QUESTION)))
    assert model.prefilled == len(ids_of(parts, QUESTION))
    assert said == answer(model_of(parts), QUESTION)


def test_reading_ahead_what_is_there_drops_nothing(parts: LoadedLlm) -> None:
    model = model_of(parts)
    first = answer(model, QUESTION)
    model.prefill(0, QUESTION)
    run(model)
    read = model.prefilled
    model.prefill(0, [*QUESTION, ChatMessage("assistant", first), ChatMessage("user", "Why")])
    run(model)
    assert read == len(ids_of(parts, QUESTION))


def test_a_long_prompt_is_read_in_chunks_between_which_it_can_be_cancelled(parts: LoadedLlm) -> None:
    model = model_of(parts)
    model._chunk = 8
    model.begin(0, 0, QUESTION)
    assert model.step() == []
    assert model.prefilled == 8
    model.cancel(0)
    assert model.idle
    model.begin(1, 0, QUESTION)
    assert run(model)[-1] == (1, model_pieces(parts)[-1])
    assert model.prefilled == len(ids_of(parts, QUESTION))


def model_pieces(parts: LoadedLlm) -> list[AnswerPiece]:
    model = model_of(parts)
    model.begin(0, 0, QUESTION)
    return [piece for _, piece in run(model)]


def test_two_conversations_take_turns_and_do_not_disturb_each_other(parts: LoadedLlm) -> None:
    model = model_of(parts)
    model.begin(1, 10, QUESTION)
    model.begin(2, 20, OTHER)
    pieces = run(model)
    texts = {request: "".join(piece.text for number, piece in pieces if number == request) for request in (1, 2)}
    assert texts == {1: answer(model_of(parts), QUESTION), 2: answer(model_of(parts), OTHER)}
    ends = [index for index, (_, piece) in enumerate(pieces) if piece.finish]
    assert ends == [len(pieces) - 2, len(pieces) - 1]


def test_answers_go_before_reading_ahead(parts: LoadedLlm) -> None:
    model = model_of(parts)
    model.prefill(1, OTHER)
    model.begin(0, 0, QUESTION)
    while model._answers:
        model.step()
    assert model.prefilled == len(ids_of(parts, QUESTION))
    run(model)
    assert model.prefilled > len(ids_of(parts, QUESTION))


def test_a_new_question_ends_the_answer_under_way(parts: LoadedLlm) -> None:
    model = model_of(parts)
    model.begin(1, 0, QUESTION)
    model.step()
    model.begin(2, 0, OTHER)
    pieces = run(model)
    assert {request for request, _ in pieces} == {2}
    assert "".join(piece.text for _, piece in pieces) == answer(model_of(parts), OTHER)


def test_a_forgotten_conversation_is_read_anew(parts: LoadedLlm) -> None:
    model = model_of(parts)
    answer(model, QUESTION)
    model.forget(0)
    answer(model, QUESTION)
    assert model.prefilled == 2 * len(ids_of(parts, QUESTION))


def test_draws_depend_on_seed_and_messages_alone(parts: LoadedLlm) -> None:
    drawn: dict[str, Any] = {"temperature": 1.5, "top_p": 0.9}
    model = model_of(parts, **drawn)
    first = answer(model, QUESTION)
    answer(model, OTHER, conversation=1)
    assert answer(model, QUESTION, conversation=2) == first
    assert answer(model_of(parts, seed=1, **drawn), QUESTION) != first


def test_the_oldest_turns_leave_and_the_rest_stays_read_for_many_turns(parts: LoadedLlm) -> None:
    model, talk, reads, turns = model_of(parts, places=1000, longest=4), [SYSTEM], [], 60
    for turn in range(turns):
        talk.append(ChatMessage("user", f"This is question {turn:03}."))
        before = model.prefilled
        answer(model, talk)
        reads.append(model.prefilled - before)
        talk.append(ChatMessage("assistant", "Indeed."))
    size = sum(map(model._count, talk[1:])) / turns
    whole = sum(read > 2 * size for read in reads)
    assert 0 < whole <= turns * size / (900 / 2)
    kept = model._fit(talk, ())
    assert kept[0] is SYSTEM
    assert kept[1].role == "user"


def test_an_answer_never_exceeds_the_context(parts: LoadedLlm) -> None:
    size = len(ids_of(parts, QUESTION))
    assert len(written_pieces(model_of(parts, places=size + 3))) <= 3
    with pytest.raises(LlmError, match=rf"take {size} of {size} tokens.*raise 'context'"):
        model_of(parts, places=size).begin(0, 0, QUESTION)


def written_pieces(model: LocalModel) -> list[AnswerPiece]:
    model.begin(0, 0, QUESTION)
    return [piece for _, piece in run(model)]


def test_a_filter_hears_every_piece_and_how_the_answer_ends(parts: LoadedLlm) -> None:
    class Filter:
        def __init__(self, begins_inside: bool) -> None:
            assert not begins_inside
            self.heard = ""

        def feed(self, piece: str) -> str:
            self.heard += piece
            return ""

        def finish(self, cut_off: bool = False) -> str:
            assert cut_off
            return self.heard.upper()

    model = LocalModel(tiny_config(Path("tiny")), parts, Filter)
    assert [piece.text for piece in written_pieces(model)] == [answer(model_of(parts), QUESTION).upper()]


def test_a_failure_ends_its_answer_alone(parts: LoadedLlm, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(parts)
    model.begin(1, 1, QUESTION)
    model.begin(2, 2, OTHER)
    with monkeypatch.context() as patched:
        patched.setattr(type(parts.network), "run", _out_of_memory)
        [(request, piece)] = model.step()
    assert (request, piece.finish) == (1, "error")
    assert piece.error.endswith("ran out of memory; lower 'context', or take a smaller model")
    assert "".join(piece.text for _, piece in run(model)) == answer(model_of(parts), OTHER)


def _out_of_memory(*_: object) -> None:
    raise RuntimeError("not enough memory: you tried to allocate 1 bytes.")


def test_settings_that_change_answers_change_the_fingerprint(parts: LoadedLlm) -> None:
    prints = {
        model_of(parts, **values).fingerprint
        for values in ({}, {"temperature": 1.0}, {"longest": 13}, {"seed": 1}, {"threads": 2}, {"context": 100})
    }
    assert len(prints) == 6
    assert model_of(parts).fingerprint in prints


@pytest.fixture(scope="module")
def smollm2() -> LoadedLlm:
    if not (user_cache() / FOLDER).is_dir():
        pytest.skip("SmolLM2 is not in the cache; make it with: python -m duplex.model.language_models.smollm2")
    return load_llm_parts(_SMOLLM2)


_SMOLLM2 = LanguageModelConfig(source=SMOLLM2, longest=12, device="cpu", dtype="float32")


def test_smollm2_answers_and_keeps_what_it_read(smollm2: LoadedLlm) -> None:
    system = ChatMessage("system", "You are a helpful AI assistant named SmolLM, trained by Hugging Face")
    talk = [system, ChatMessage("user", "What is the capital of France?")]
    model = LocalModel(_SMOLLM2, smollm2)
    first = answer(model, talk)
    assert first == "The capital of France is Paris."
    whole = model.prefilled
    talk += [ChatMessage("assistant", "The capital of France —"), ChatMessage("user", "And of Italy?")]
    assert answer(model, talk) == answer(LocalModel(_SMOLLM2, smollm2), talk)
    assert model.prefilled - whole < whole
    assert isinstance(smollm2.template, ChatTemplate)
