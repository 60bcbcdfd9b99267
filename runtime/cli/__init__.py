"""The commands of `duplex`, one file each, whose functions `runtime.cli.main` registers."""
