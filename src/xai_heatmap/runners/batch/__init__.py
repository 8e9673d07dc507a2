"""Batch runs: a plan, shards that are done once each, and the files that they leave."""
