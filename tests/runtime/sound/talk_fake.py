"""`python -m tests.runtime.sound.talk_fake FOLDER SECONDS aec|no-aec`: `duplex talk` with the talking fake model."""

import sys
from pathlib import Path

from configs.runtime.local import EchoCancellerConfig, LocalConfig
from configs.runtime.runtime import EngineConfig, RecordingConfig, RuntimeConfig
from duplex.model.interface import ConversationOptions
from runtime.cli.talk import talk
from runtime.engine.process import PipeEngine, start_engine_thread
from tests.runtime.sound.talking import load_talking


def start(model: str, config: EngineConfig) -> PipeEngine:
    """The engine in a thread: a fake model needs no process of its own."""
    return start_engine_thread(model, config, load_talking)


if __name__ == "__main__":
    runtime = RuntimeConfig(recording=RecordingConfig(folder=Path(sys.argv[1])))
    local = LocalConfig(latency_s=0.15, echo=EchoCancellerConfig(enabled=sys.argv[3] == "aec"))
    talk("talking", local, runtime, ConversationOptions(), float(sys.argv[2]), start)
