"""gemel: digital twins made from medical images, that forecast, decide and learn. Research use, not a medical device."""

__version__ = "0.1.0"
