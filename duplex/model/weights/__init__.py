"""Finds, fetches, quantizes and reads files of weights."""
