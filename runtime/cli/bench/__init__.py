"""`duplex bench`: measures speed."""
