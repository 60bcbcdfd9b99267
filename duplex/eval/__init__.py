"""Evaluation: suites, measures, reports and exports."""
