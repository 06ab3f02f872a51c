"""Benchmarks of judgement: recognition, recommendation, retrieval and their cost."""
