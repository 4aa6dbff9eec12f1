"""Measurements that are no training runs, one file each: `measure(settings, config)` returns a tidy frame.

`settings` is the measurement's own block of the configuration, `config` all of it.
"""
