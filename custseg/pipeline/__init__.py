"""The steps in order: transactions, customers, segments, report.

Whoever enters reads `batch` first. Each step is a room of its own; here they only hand on what they make.
"""
