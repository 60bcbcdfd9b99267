"""The papers' families: the parts that the TDM model needs beyond the embedded model's, and their checkpoints."""
