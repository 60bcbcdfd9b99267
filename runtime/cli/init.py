"""`duplex init`: makes a training start of one of the papers' families from published checkpoints."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from configs.base import ConfigError
from runtime.cli.common import Seed, progress
from runtime.cli.common import out as console
from runtime.cli.paths import file, new_folder
from runtime.cli.values import Precision, number

MOST_LAYERS = 1000
_GB = 1e9

T = TypeVar("T")


class Family(StrEnum):
    """The families that have a training start."""

    DRVOICE = "drvoice"
    OMNIDRCA = "omnidrca"


def command(
    family: Annotated[Family, typer.Argument(help="drvoice or omnidrca.")],
    llm: Annotated[str, typer.Option(help="Language model: folder or hub id, e.g. Qwen/Qwen2.5-7B-Instruct.")],
    srh: Annotated[
        str, typer.Option(help="Initial weights of the refined head: folder or hub id, e.g. Qwen/Qwen2.5-0.5B.")
    ],
    out: Annotated[Path, new_folder(help="New folder for the checkpoint.")],
    encoder: Annotated[str | None, typer.Option(help="drvoice: a Whisper, e.g. openai/whisper-large-v3.")] = None,
    detokenizer: Annotated[str | None, typer.Option(help="drvoice: a CosyVoice3; may come later.")] = None,
    voices: Annotated[Path | None, file(help="drvoice: voices of the detokenizer (spk2info.pt).")] = None,
    tokenizer: Annotated[str | None, typer.Option(help="omnidrca: a HuBERT, folder or hub id.")] = None,
    units: Annotated[Path | None, file(help="omnidrca: its centroids (.npy or .safetensors).")] = None,
    vocoder: Annotated[Path | None, file(help="omnidrca: checkpoint of a unit vocoder.")] = None,
    layer: Annotated[
        int, number(1, MOST_LAYERS, "omnidrca: HuBERT layer that the centroids belong to.", whole=True)
    ] = 9,
    dtype: Annotated[Precision, typer.Option(help="Data type of the weights.")] = Precision.BFLOAT16,
    seed: Seed = 0,
) -> None:
    """Make a training start: published weights, special tokens, and fresh weights for everything else."""
    from duplex.model.families.training_start import Start, start_drvoice, start_omnidrca

    start = Start(llm, srh, out, "bfloat16" if dtype is Precision.BFLOAT16 else "float32", seed)
    if family is Family.DRVOICE:
        _run(start_drvoice(start, _require(encoder, "--encoder", family), detokenizer, voices))
    else:
        needed = _require(tokenizer, "--tokenizer", family), _require(units, "--units", family)
        _run(start_omnidrca(start, *needed, _require(vocoder, "--vocoder", family), layer))
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / _GB
    console().print(f"{out}: a training start of {family.value}, {size:.2f} GB")
    if family is Family.DRVOICE and detokenizer is None:
        console().print(f"its voice is missing: put flow, hift and voices of CosyVoice3 into {out / 'detokenizer'}")


def _run(work: Iterator[str]) -> None:
    """Do the work with a progress bar."""
    from duplex.model.families.training_start import STEPS

    with progress() as bar:
        task = bar.add_task("", total=STEPS)
        for done, step in enumerate(work):
            bar.update(task, description=step, completed=done)


def _require(value: T | None, option: str, family: Family) -> T:
    if value is None:
        raise ConfigError(f"{family.value} needs {option}; see duplex init --help")
    return value
