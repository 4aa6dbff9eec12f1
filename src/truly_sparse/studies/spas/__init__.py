"""Muller (2023), SPaS: sparse parameterised shortcut connections."""
