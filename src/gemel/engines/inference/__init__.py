"""Learning from data: exact Gaussian conditioning, particles, their exact combination, and the tests of calibration."""
