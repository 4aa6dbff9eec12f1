"""One training loop, given its parts: settings, stages, sampler, targets, callbacks and checkpoint."""
