"""Functions that any conversation may offer: they read nothing, change nothing and ask no network."""
