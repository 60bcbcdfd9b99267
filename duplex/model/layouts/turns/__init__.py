"""Live, interruptible conversation with half-duplex models: the turn layout, its policies, voices and generator."""
