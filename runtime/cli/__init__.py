"""The commands that need no network: one file each, functions that `runtime.cli.main` registers."""
