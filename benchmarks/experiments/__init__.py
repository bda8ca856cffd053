"""Experiments of the papers at the size of a CPU; each file says its command and writes to results/experiments."""
