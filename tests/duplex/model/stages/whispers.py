"""Small random Whispers for tests: transformers' own, and the same weights for ours."""

import torch
from torch import Tensor
from transformers import WhisperConfig, WhisperForConditionalGeneration

from configs.model.ears import WhisperShape
from tests.duplex.model.stages.pieces import VOCABULARY

SHAPE = WhisperShape(
    dim=32, heads=2, ffn=48, encoder_layers=2, decoder_layers=2, source_positions=300, target_positions=64
)


def reference(seed: int = 0) -> WhisperForConditionalGeneration:
    """transformers' Whisper of that shape with random weights."""
    config = WhisperConfig(
        vocab_size=len(VOCABULARY),
        num_mel_bins=SHAPE.mel.bands,
        d_model=SHAPE.dim,
        encoder_layers=SHAPE.encoder_layers,
        decoder_layers=SHAPE.decoder_layers,
        encoder_attention_heads=SHAPE.heads,
        decoder_attention_heads=SHAPE.heads,
        encoder_ffn_dim=SHAPE.ffn,
        decoder_ffn_dim=SHAPE.ffn,
        max_source_positions=SHAPE.source_positions,
        max_target_positions=SHAPE.target_positions,
        pad_token_id=VOCABULARY.end,
        bos_token_id=VOCABULARY.end,
        eos_token_id=VOCABULARY.end,
        decoder_start_token_id=VOCABULARY.start,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    torch.manual_seed(seed)
    model = WhisperForConditionalGeneration(config).eval()
    with torch.no_grad():
        for parameter in model.model.decoder.parameters():
            parameter.copy_(parameter + 0.2 * torch.randn_like(parameter))
    return model


def weights(model: WhisperForConditionalGeneration) -> dict[str, Tensor]:
    """Its weights without the tied projection and the computed positions."""
    left = ("proj_out.weight", "model.encoder.embed_positions.weight")
    return {name: value.detach() for name, value in model.state_dict().items() if name not in left}
