"""Runners of jobs: one file each."""
