"""Recipe: trains the band decoder to compensate for the pointer head's mistakes.

The head runs freely (its own tokens as history) over the teacher's timing, so that its tokens line up with the
teacher's bands; the decoder is trained from these tokens to those bands. The head and the encoder do not change.
"""

from pathlib import Path

import torch
from rich.progress import track
from torch import Tensor

from configs.model.voice import VoiceConfig
from configs.train.voice_training import DecoderTraining, SrhTraining
from duplex.model.stages.band_decoder import BandDecoder
from duplex.model.stages.srh_networks import DigitNetwork
from duplex.train.training_loop import Loop, Optimization, cosine
from duplex.train.voice.srh import HeadSamples, load_networks, simulate
from duplex.train.voice.teacher_shards import load
from duplex.train.voice.tokenizer import load_codec, reconstruction_loss


def run(voice: VoiceConfig, config: DecoderTraining, srh: SrhTraining, speech: Path, out: Path) -> BandDecoder:
    """Fine-tune the decoder of `out/tokenizer.pt` for the head of `out/srh.pt`; the result is `out/decoder.pt`."""
    samples = HeadSamples.load(out / "srh_samples.pt")
    path = out / "predicted.pt"
    if not path.exists():
        torch.save(free_running(load_networks(voice, out).digits, samples, config.rows), path)
    predicted = torch.load(path, weights_only=True)
    bands = simulate(voice, srh, load(speech)).bands
    decoder = load_codec(voice, out).decoder.train()
    loop = Loop(decoder, Optimization(config.rate), config.steps, out / "decoder.pt", "decoder")
    for step in loop.steps(cosine(config.warmup, config.steps)):
        torch.manual_seed(config.seed * config.steps + step)
        digits, target = _batch(predicted, samples.digits, bands, voice, config)
        with torch.autocast("cpu", torch.bfloat16):
            frames, _ = decoder(digits)
        loop.update(reconstruction_loss(frames.float(), target, voice.bands))
    return decoder.eval()


def load_decoder(voice: VoiceConfig, out: Path) -> BandDecoder:
    """The fine-tuned decoder of `run`, in evaluation mode."""
    decoder = load_codec(voice, out).decoder
    decoder.load_state_dict(torch.load(out / "decoder.pt", weights_only=True)["model"])
    return decoder.eval()


@torch.inference_mode()
def free_running(network: DigitNetwork, samples: HeadSamples, rows: int) -> Tensor:
    """Digits [N, 15] that the head itself says at the teacher's timing; silence where it is not used."""
    predicted = samples.digits.clone()
    runs = _runs(samples.place)
    runs = runs[torch.argsort(runs[:, 1], descending=True)]
    with torch.autocast("cpu", torch.bfloat16):
        for group in track(runs.split(rows), "free running"):
            _speak(network, samples, predicted, group)
    return predicted


def _runs(place: Tensor) -> Tensor:
    """First sample and length [R, 2] of each stretch of consecutive tokens."""
    breaks = torch.nonzero(place[1:] != place[:-1] + 1).flatten() + 1
    starts = torch.cat([torch.zeros(1, dtype=breaks.dtype), breaks])
    ends = torch.cat([breaks, torch.tensor([len(place)])])
    return torch.stack([starts, ends - starts], 1)


def _speak(network: DigitNetwork, samples: HeadSamples, predicted: Tensor, group: Tensor) -> None:
    """Run stretches (longest first) in parallel, token after token, writing into `predicted`."""
    back = torch.arange(1, network.config.history + 1)
    top = network.tokenizer.top
    for token in range(int(group[0, 1])):
        pick = group[group[:, 1] > token, 0] + token
        place = samples.place[pick]
        logits = network(
            samples.units[pick].long(),
            samples.stress[pick].long(),
            samples.scalars[pick].float(),
            predicted[place[:, None] - back].float(),
            samples.gather_hidden(pick, network.config.hidden),
        )
        predicted[place] = (logits.argmax(-1) - top).to(predicted.dtype)


def _batch(
    predicted: Tensor, true: Tensor, bands: Tensor, voice: VoiceConfig, config: DecoderTraining
) -> tuple[Tensor, Tensor]:
    """Digits [B, T, 15] (from the encoder for some crops, from the head for most) and bands [B, 3T, 98]."""
    per, length = voice.bands.frames_per_token, config.crop_tokens
    start = torch.randint(0, len(predicted) - length, (config.batch, 1))
    tokens = start + torch.arange(length)
    is_true = torch.rand(config.batch, 1, 1) < config.true_share
    digits = torch.where(is_true, true[tokens], predicted[tokens]).float()
    return digits, bands[start * per + torch.arange(length * per)].float()
