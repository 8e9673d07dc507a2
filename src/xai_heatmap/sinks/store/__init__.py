"""Store of a run: Parquet files with one row for each picture, whole or not there."""
