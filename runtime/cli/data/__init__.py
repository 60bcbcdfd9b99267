"""`duplex data`."""
