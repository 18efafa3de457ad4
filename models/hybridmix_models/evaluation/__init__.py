"""Evaluation of gain models: the figures of docs/metrics.md, baselines, tables and listening excerpts."""
