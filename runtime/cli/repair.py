"""`duplex repair`: repairs the files of a conversation whose process was killed."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.cli.common import ConfigFile, out, runtime_config
from runtime.session.disk import disk_error
from runtime.session.recording import DIALOGUE_FILE, USER_FILE, repair_recording
from runtime.session.slot_log import find_log, read_log
from runtime.session.transcript import transcript


def command(
    folder: Annotated[Path, typer.Argument(help="Folder of the conversation.")],
    config: ConfigFile = None,
) -> None:
    """Repair the files of a killed conversation: headers of the recordings, transcript from the log."""
    settings = runtime_config(config)
    log = read_log(find_log(folder))
    text = transcript(log.rows, log.header.delay_ms, settings.transcript)
    try:
        for name in (DIALOGUE_FILE, USER_FILE):
            repair_recording(folder / name)
        text.write(folder / "transcript.json")
    except OSError as error:
        raise disk_error(folder, error) from None
    out().print(f"{folder}: {len(log.rows)} slots, {text.seconds:.1f} s, the log {_ending(log.end is not None)}")


def _ending(closed: bool) -> str:
    return "was closed" if closed else "ends early"
