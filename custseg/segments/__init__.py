"""Segments: clustering the customers, choosing k, naming what was found."""
