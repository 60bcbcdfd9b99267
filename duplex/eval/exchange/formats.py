"""The formats of other projects in which a saved run can be written, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from configs.eval.protocols import ProtocolsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.export_fdb import export_fdb
from duplex.eval.exchange.export_mtr import export_mtr
from duplex.eval.exchange.export_tau2 import export_tau2
from duplex.eval.exchange.export_ultraeval import export_ultraeval
from duplex.eval.exchange.export_voicebench import export_voicebench
from duplex.eval.exchange.foreign_files import Exported, OnRow
from duplex.eval.exchange.saved import SavedRun

Export = Callable[[SavedRun, Path, OnRow, ProtocolsConfig], Exported]
"""Writes a run to an empty folder; calls back after every conversation."""


@dataclass(frozen=True)
class Format:
    """`project`: the project whose scorers read it. `export`: the function that writes it."""

    project: str
    export: Export


FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        "fdb": Format("Full-Duplex-Bench v1 and v1.5", export_fdb),
        "mtr": Format("MTR-DuplexBench", export_mtr),
        "ultraeval": Format("UltraEval-Audio", export_ultraeval),
        "tau2": Format("tau2-bench (tau-voice)", export_tau2),
        "voicebench": Format("VoiceBench", export_voicebench),
    }
)


def find_format(name: str) -> Format:
    """Find a format by name.

    Raises:
        EvaluationError: there is no such format.
    """
    if name not in FORMATS:
        raise EvaluationError(f"there is no format '{name}'; choose one of {', '.join(FORMATS)}")
    return FORMATS[name]
