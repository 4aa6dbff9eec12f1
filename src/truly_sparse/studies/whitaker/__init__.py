"""Subnetwork ensembles (Whitaker 2023): what it prints and claims beside what is measured here."""
