"""CosyVoice3's detokenizer in our own modules: `CosyVoice` loads released weights and streams at bounded cost.

tokens -> flow (look-ahead layer, diffusion transformer, Euler steps) -> mel -> vocoder (causal HiFT) -> samples
"""

from duplex.model.stages.cosyvoice.stage import CosyVoice, CosyVoiceInput, CosyVoiceState

__all__ = ["CosyVoice", "CosyVoiceInput", "CosyVoiceState"]
