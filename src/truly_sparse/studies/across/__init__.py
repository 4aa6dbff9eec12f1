"""The methods of all sources beside each other: the same data, the same seeds, the same number of operations."""
