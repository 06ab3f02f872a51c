"""Answers to questions: a query in, an answer out."""
