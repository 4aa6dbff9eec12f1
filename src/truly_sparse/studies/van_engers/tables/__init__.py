"""Tables, one file each: `make(inputs)` returns a `Table`."""
