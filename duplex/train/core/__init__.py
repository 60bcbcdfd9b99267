"""Training of the core on simulated two-channel dialogues."""
