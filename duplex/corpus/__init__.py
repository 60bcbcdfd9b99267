"""What the assistant knows and says; training and evaluation read it."""
