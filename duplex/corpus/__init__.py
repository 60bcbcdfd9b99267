"""The corpus: what the assistant knows and says, for training and evaluation."""
