"""Customers: from clean lines to one row of features a customer, and the matrix to cluster."""
