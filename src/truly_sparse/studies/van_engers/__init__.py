"""Van Engers (2021): sparse evolutionary training against the fraction of links that it replaces."""
