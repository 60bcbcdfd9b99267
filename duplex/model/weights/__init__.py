"""Files of weights: found, fetched, quantized, read."""
