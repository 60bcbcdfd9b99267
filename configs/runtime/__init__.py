"""Configurations of engine, server and local sessions."""
