"""Running: where tasks run, where files go, what the user sees meanwhile."""
