"""This machine's sound card: devices, rings between callback and loop, echo cancellation, the terminal's display."""
