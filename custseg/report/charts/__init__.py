"""Charts: each function takes a small table and a look, and returns an Altair chart."""
