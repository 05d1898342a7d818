"""The scanner's own twin: what drifts, why, how long it may, and what to do."""
