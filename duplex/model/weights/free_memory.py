"""How much memory a device has free. Knows devices; knows nothing of models."""

from pathlib import Path

import torch


def free_memory(device: torch.device) -> int | None:
    """Free bytes of a device, None where nobody says."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kilobytes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(kilobytes[0]) * 1024 if device.type == "cpu" and kilobytes else None
