"""`duplex talk`: holds a conversation with this machine's microphone and loudspeaker.

This module handles the command's options and the order of starting and ending; the conversation itself is in
`runtime.sound.local_conversation`.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.live import Live
from rich.table import Table

from configs.policy import policy as policy_named
from configs.runtime.local import EchoCancellerConfig, LocalConfig
from configs.runtime.runtime import EchoGuardConfig, EngineConfig, RuntimeConfig
from duplex.model.interface import ConversationOptions
from duplex.model.weights.fetch import fetch
from runtime.cli.common import (
    ConfigFile,
    PatternOptions,
    PolicyName,
    Seed,
    Temperature,
    err,
    out,
    runtime_config,
)
from runtime.cli.option_groups import with_option_groups
from runtime.cli.paths import new_folder
from runtime.cli.values import number
from runtime.clock import SystemClock
from runtime.engine.client import EngineClient
from runtime.engine.process import start_engine_process
from runtime.sessions import SessionHub
from runtime.sound.card import Card, Device, SoundCard, list_devices
from runtime.sound.local_conversation import LocalConversation
from runtime.sound.terminal import TerminalView

LONGEST_S = 7 * 86_400.0
_DEFAULTS = LocalConfig()


def talk(
    model: str,
    config: LocalConfig,
    runtime: RuntimeConfig,
    options: ConversationOptions,
    seconds: float | None = None,
    start_engine: Callable[[str, EngineConfig], EngineClient] = start_engine_process,
) -> Path | None:
    """Hold a conversation until Ctrl-C, or for `seconds`; returns the folder of its files.

    Raises:
        AudioError: a device cannot be used. ModelLoadError: the model cannot be loaded.
        SessionLost: the engine ended the session; what was recorded is kept.
    """
    SoundCard(config).close()
    client = start_engine(model, runtime.engine)
    # The card's own canceller has the synchronous loudspeaker signal; a second one after it would only remove more.
    runtime = runtime.model_copy(update={"echo": EchoGuardConfig(enabled=False)})
    hub = SessionHub(client, runtime, SystemClock())
    try:
        session = hub.open(options, source="sound card")
        card = SoundCard(config)
        try:
            view = TerminalView(f"Duplex · {model} · {card.name}")
            live = LocalConversation(card, hub, session, config, SystemClock(), view.take)
            with suppress(KeyboardInterrupt):
                _run(live, view, card, config, seconds)
        finally:
            card.close()
        return session.folder
    finally:
        hub.close_all("the conversation was ended")
        client.close()


def _run(live: LocalConversation, view: TerminalView, card: Card, config: LocalConfig, seconds: float | None) -> None:
    """Run turn after turn; the terminal's own thread draws the picture."""

    def picture() -> RenderableType:
        faults = ", ".join(f"{name} {count}" for name, count in card.faults.items() if count)
        echo = f"echo -{live.echo_reduction_db:.0f} dB" if config.echo.enabled else "no echo cancelling"
        return view.draw(live.user_db, live.assistant_db, live.seconds, " · ".join(filter(None, [echo, faults])))

    with Live(get_renderable=picture, console=out(), refresh_per_second=config.screen_hz, transient=False):
        while seconds is None or live.seconds < seconds:
            live.turn()
            time.sleep(config.poll_ms / 1000)


@with_option_groups
def command(
    chosen: PatternOptions,
    policy: PolicyName = "balanced",
    source: Annotated[str | None, typer.Option("--input", help="Microphone: number or part of its name.")] = None,
    sink: Annotated[str | None, typer.Option("--output", help="Loudspeaker: number or part of its name.")] = None,
    devices: Annotated[bool, typer.Option("--list-devices", help="List the sound devices and exit.")] = False,
    aec: Annotated[bool, typer.Option("--aec/--no-aec", help="Cancel the loudspeaker's echo.")] = True,
    seed: Seed = 0,
    temperature: Temperature = 0.0,
    system_prompt: Annotated[str | None, typer.Option(help="Instead of the model's own.")] = None,
    seconds: Annotated[float | None, number(1, LONGEST_S, "End after this time.", unit="s")] = None,
    recordings: Annotated[Path | None, new_folder(help="Folder for recording, log and transcript.")] = None,
    config: ConfigFile = None,
) -> None:
    """Talk to the model with this machine's microphone and loudspeaker."""
    if devices:
        out().print(_device_table(list_devices()))
        return
    local = _DEFAULTS.model_copy(update={"input": source, "output": sink, "echo": EchoCancellerConfig(enabled=aec)})
    runtime = _recording_to(recordings, runtime_config(config))
    options = ConversationOptions(
        seed=seed,
        policy=policy_named(policy),
        system_prompt=system_prompt,
        temperature=temperature,
        started_at=time.time(),
        utc_offset_s=time.localtime().tm_gmtoff,
        pattern=chosen.pattern,
    )
    fetch(chosen.model, chosen.changes)
    err().print(f"Loading {chosen.model} ... (headphones work best; Ctrl-C ends the conversation)")
    start = partial(start_engine_process, loader=chosen.loader)
    folder = talk(chosen.model, local, runtime, options, seconds, start)
    if folder is not None:
        out().print(f"Kept in {folder}")


def _recording_to(folder: Path | None, runtime: RuntimeConfig) -> RuntimeConfig:
    changed: dict[str, Any] = {} if folder is None else {"folder": folder}
    return runtime.model_copy(update={"recording": runtime.recording.model_copy(update=changed)})


def _device_table(devices: list[Device]) -> Table:
    table = Table("number", "name", "microphone", "loudspeaker", "rate", box=None)
    for device in devices:
        sides = zip((device.inputs, device.outputs), device.default, strict=True)
        marks = ["default" if chosen else "yes" if channels else "" for channels, chosen in sides]
        table.add_row(str(device.number), device.name, *marks, f"{device.rate:.0f}")
    return table
