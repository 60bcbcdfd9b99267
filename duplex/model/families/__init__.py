"""The papers' families: what the TDM model needs beyond the embedded one, and their checkpoints."""
