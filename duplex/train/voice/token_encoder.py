"""Recipe: trains an encoder for a voice that ships without one, so that new speech can be encoded in its digits.

The head speaks freely over the teacher's timing, the voice's decoder makes bands from its tokens, and the encoder
learns to recover the digits from them; in this way it writes digits as the head does. In addition, the decoder must
reproduce the teacher's own speech from the encoder's digits. Head and decoder do not change. The method and its losses
are ours.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from configs.train.voice_training import EncoderTraining
from duplex.model.layouts.tdm.voice import EmbeddedVoice
from duplex.model.stages.band_decoder import BandDecoder
from duplex.model.stages.speech_tokenizer import SpeechTokenizer
from duplex.train.training_loop import Loop, Optimization, cosine
from duplex.train.voice.tokenizer import reconstruction_loss


def run(voice: EmbeddedVoice, config: EncoderTraining, bands: Tensor, said: Tensor, out: Path) -> SpeechTokenizer:
    """Train on bands [3N, 98] of the teacher and digits [N, 15] of the head; checkpoint and result are file `out`."""
    torch.manual_seed(config.seed)
    encoder = SpeechTokenizer(voice.config.bands, voice.config.tokenizer)
    decoder = voice.detokenizer.decoder.requires_grad_(False)
    loop = Loop(encoder, Optimization(config.rate), config.steps, out, "encoder")
    for step in loop.steps(cosine(config.warmup, config.steps)):
        torch.manual_seed(config.seed * config.steps + step)
        digits, sound = _crops(bands, said, config, voice.config.bands.frames_per_token)
        with torch.autocast("cpu", torch.bfloat16):
            loss = read_loss(encoder, decoder, digits)
            loss = loss + config.foreign_weight * return_loss(encoder, decoder, sound)
        loop.update(loss)
    return encoder.eval()


def read_loss(encoder: SpeechTokenizer, decoder: BandDecoder, digits: Tensor) -> Tensor:
    """Distance between digits [B, T, 15] and what the encoder recovers from their sound (our own loss)."""
    with torch.no_grad():
        frames, _ = decoder(digits)
    return F.smooth_l1_loss(encoder(frames), digits)


def return_loss(encoder: SpeechTokenizer, decoder: BandDecoder, sound: Tensor) -> Tensor:
    """Distance between bands [B, 3T, 98] and their reconstruction through rounded digits (straight-through gradient as
    in FSQ, Mentzer et al. 2023)."""
    real = encoder(sound)
    frames, _ = decoder(real + (torch.round(real) - real).detach())
    return reconstruction_loss(frames.float(), sound, encoder.bands)


def _crops(bands: Tensor, said: Tensor, config: EncoderTraining, per: int) -> tuple[Tensor, Tensor]:
    """Digits [B, T, 15] of the head, and bands [B, 3T, 98] of the teacher from elsewhere."""
    length = config.crop_tokens
    starts = torch.randint(0, len(said) - length, (2, config.batch, 1))
    digits = said[starts[0] + torch.arange(length)].float()
    return digits, bands[starts[1] * per + torch.arange(length * per)].float()
