"""The full-duplex speech-text model: its stages, generator, checkpoints, training and evaluation."""
