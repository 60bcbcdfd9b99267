"""A network, a voice and a user's speech that the tests of the turn layout share."""

import pytest

from configs.model.cosyvoice import COSYVOICE3_TINY
from configs.model.funaudiochat import FUNAUDIOCHAT_TINY
from duplex.model.funaudiochat.model import FunAudioChat
from duplex.model.interface import Samples
from duplex.model.layouts.turns.funaudiochat_turns import CosyVoiceTurns
from duplex.model.stages.cosyvoice.stage import CosyVoice
from tests.duplex.model.layouts.turns.live import SLOT
from tests.runtime.user_audio import talking


@pytest.fixture(scope="module")
def chat() -> FunAudioChat:
    return FunAudioChat.random(FUNAUDIOCHAT_TINY.model_copy(update={"vocabulary": 610}))


@pytest.fixture(scope="module")
def voice() -> CosyVoiceTurns:
    return CosyVoiceTurns(CosyVoice.random(COSYVOICE3_TINY))


@pytest.fixture(scope="module")
def speech() -> list[Samples]:
    """Ten slots of loud noise, which voice activity takes for voice."""
    return list(talking(2.0, [(0.0, 2.0)]).reshape(-1, SLOT))
