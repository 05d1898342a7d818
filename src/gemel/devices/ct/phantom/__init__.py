"""Phantoms of daily checks: found by their geometry, measured, and made up for tests."""
