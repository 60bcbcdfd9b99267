"""The commands of `duplex evaluate`."""
