"""`duplex evaluate`."""
