"""Files of rows that go in and out: CSV, JSON lines, Parquet."""
