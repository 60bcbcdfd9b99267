"""`duplex train`."""
