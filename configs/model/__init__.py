"""Configurations of models and their stages."""
