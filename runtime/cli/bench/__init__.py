"""`duplex bench`: speed."""
