"""Where a job runs: one file each."""
