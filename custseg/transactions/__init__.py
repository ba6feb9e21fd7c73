"""Transactions: finding, reading and cleaning the lines of a retailer's files."""
