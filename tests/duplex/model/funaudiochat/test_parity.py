"""Every part of the network computes what the authors' code computed on the same weights and inputs."""

import pytest
import torch
from torch import Tensor

from configs.model.funaudiochat import ContinuousEncoderConfig
from duplex.model.funaudiochat.model import FunAudioChat
from duplex.model.funaudiochat.spectrum import Spectrum
from tests.duplex.model.funaudiochat.golden import DENSE, SPARSE, close, groups_of, tensors

CLIPS = range(3)


@pytest.fixture(params=[DENSE, SPARSE])
def golden(request: pytest.FixtureRequest, chat: FunAudioChat, sparse: FunAudioChat) -> tuple[FunAudioChat, str]:
    return (chat if request.param == DENSE else sparse), request.param


def _prompt(chat: FunAudioChat, kind: str) -> tuple[Tensor, Tensor]:
    """Ids and vectors of the golden prompt."""
    ids = tensors(kind)["prompt.ids"][0]
    vectors = chat.network.table(ids).clone()
    vectors[ids == chat.config.ids.audio] = groups_of(chat, tensors()["clip.0"])
    return ids, vectors


@torch.inference_mode()
def test_the_encoder_with_all_chunks_of_all_clips_in_one_batch(chat: FunAudioChat) -> None:
    size = chat.config.encoder.chunk_frames
    chunks = [chunk for index in CLIPS for chunk in tensors()[f"clip.{index}"].split(size, dim=1)]
    padded = torch.stack([torch.nn.functional.pad(chunk, (0, size - chunk.shape[1])) for chunk in chunks])
    frames = torch.tensor([chunk.shape[1] for chunk in chunks])
    features = [
        part[: (count + 1) // 2 // 2] for part, count in zip(chat.network.encoder(padded, frames), frames, strict=True)
    ]
    wanted = tensors()["encoder"]
    counts = [-(-tensors()[f"clip.{index}"].shape[1] // size) for index in CLIPS]
    for index, part in enumerate(torch.split(torch.arange(len(features)), counts)):
        made = torch.cat([features[place] for place in part.tolist()])[: wanted.shape[1]]
        close(made, wanted[index, : len(made)])
        assert not wanted[index, len(made) :].any()


def test_groups_of_what_was_heard_and_spoken(chat: FunAudioChat) -> None:
    for index in CLIPS:
        groups = groups_of(chat, tensors()[f"clip.{index}"])
        close(groups, tensors()["groups"][index, : len(groups)])
    spoken = tensors()["spoken"].unflatten(1, (-1, chat.config.group))
    close(chat.network.grouping.group_speech(spoken), tensors()["spoken_groups"])


@torch.inference_mode()
def test_hidden_vectors_and_text_logits(golden: tuple[FunAudioChat, str]) -> None:
    chat, kind = golden
    hidden = chat.network.llm.whole(_prompt(chat, kind)[1][None])
    close(hidden, tensors(kind)["prompt.hidden"])
    close(chat.network.text_logits(hidden), tensors(kind)["prompt.text_logits"])


@torch.inference_mode()
def test_the_refined_head_on_given_tokens(golden: tuple[FunAudioChat, str]) -> None:
    """The reference rolls labels by a group less one: a step's own places follow the previous group."""
    chat, kind = golden
    assert chat.network.refined is not None
    wanted, ids = tensors(kind), tensors(kind)["prompt.ids"]
    before = wanted["prompt.labels"].roll(1 - chat.config.group, dims=1)
    condition = wanted["prompt.hidden"] + chat.network.table(ids)
    logits = chat.network.refined.force(condition, before, chat.network.grouping.table.weight)
    close(logits, wanted["prompt.refined_logits"])


def test_the_spectrum_of_a_recording() -> None:
    """With 128 bands, as in the released model."""
    pcm, wanted = tensors()["pcm"], tensors()["pcm.mel"]
    made = Spectrum(ContinuousEncoderConfig().mel).whole(pcm)
    assert made.shape == wanted.shape
    close(made, wanted)
