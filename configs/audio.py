"""Rates and lengths of all audio in the system. Every other module takes its constants from here."""

from dataclasses import dataclass
from functools import cached_property

from configs.base import exact_div


@dataclass(frozen=True)
class AudioConfig:
    """Packet, token and slot lengths; input and output sample rates (Hz). Derived constants are computed once."""

    input_rate: int = 16_000
    output_rate: int = 24_000
    network_rate: int = 48_000
    packet_ms: int = 20
    token_ms: int = 40
    slot_ms: int = 200

    @cached_property
    def slot_input_samples(self) -> int:
        """Samples of one user slot (3,200)."""
        return exact_div(self.input_rate * self.slot_ms, 1000)

    @cached_property
    def slot_output_samples(self) -> int:
        """Samples of one assistant slot (4,800)."""
        return exact_div(self.output_rate * self.slot_ms, 1000)

    @cached_property
    def packet_input_samples(self) -> int:
        """Samples of one packet at the input rate (320)."""
        return exact_div(self.input_rate * self.packet_ms, 1000)

    @cached_property
    def packet_output_samples(self) -> int:
        """Samples of one packet at the output rate (480)."""
        return exact_div(self.output_rate * self.packet_ms, 1000)

    @cached_property
    def tokens_per_slot(self) -> int:
        """Speech tokens in one slot (5): the grouping factor k."""
        return exact_div(self.slot_ms, self.token_ms)

    @cached_property
    def packets_per_slot(self) -> int:
        """Packets in one slot (10)."""
        return exact_div(self.slot_ms, self.packet_ms)

    @cached_property
    def packet_seconds(self) -> float:
        """Length of a packet in seconds."""
        return self.packet_ms / 1000

    @cached_property
    def slot_seconds(self) -> float:
        """Length of a slot in seconds."""
        return self.slot_ms / 1000


AUDIO = AudioConfig()
