"""Measures the fleet on this machine, each figure beside a baseline measured in the same run."""
