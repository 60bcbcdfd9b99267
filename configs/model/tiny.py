"""The tiny models, with two layers and random weights, for tests of everything around a model."""

from configs.model.core import AssistantSideConfig, CoreConfig, LlmConfig, UserSideConfig
from configs.model.ears import CtcConfig, EncoderConfig, WhisperShape, WordsConfig
from configs.model.language import TextTokenizerConfig
from configs.model.model import EarsConfig, MindConfig, ModelConfig
from configs.model.voice import DetokenizerConfig, SrhConfig, TokenizerConfig, VoiceConfig
from configs.schedule import ScheduleConfig

_WIDTH = 32
_TOKENIZER = TokenizerConfig(digits=6)

TINY = ModelConfig(
    mind=MindConfig(
        name="tiny",
        schedule=ScheduleConfig(prefix_places=8, window_slots=20),
        core=CoreConfig(
            llm=LlmConfig(
                vocab_size=128,
                hidden_size=_WIDTH,
                intermediate_size=48,
                num_hidden_layers=2,
                num_attention_heads=2,
                num_key_value_heads=2,
            ),
            user=UserSideConfig(feature_dim=16, source="none"),
            assistant=AssistantSideConfig(digits=_TOKENIZER.digits),
        ),
        text=TextTokenizerConfig(vocab_size=128),
    ),
    ears=EarsConfig(
        encoder=EncoderConfig(shape=WhisperShape(dim=16, heads=2, ffn=24, encoder_layers=2), left_frames=20),
        words=WordsConfig(source="none"),
    ),
    voice=VoiceConfig(
        tokenizer=_TOKENIZER,
        detokenizer=DetokenizerConfig(width=16, inner=24, dilations=(1, 2), head=16),
        srh=SrhConfig(width=32, blocks=1, duration_width=24, duration_blocks=1, hidden=_WIDTH, hidden_width=4),
    ),
)

TINY_CTC = TINY.model_copy(
    update={
        "mind": TINY.mind.model_copy(update={"name": "tiny-ctc"}),
        "ears": TINY.ears.model_copy(
            update={"words": WordsConfig(source="ctc", ctc=CtcConfig(width=16, inner=24, dilations=(1, 2)))}
        ),
    }
)
"""The same with the user's words, which are random letters from its own CTC ears."""
