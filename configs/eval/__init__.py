"""Configurations of the evaluation."""
