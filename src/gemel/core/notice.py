"""What stands on every page, report and export."""

NOTICE = "Research software. Not a medical device; not CE-marked or FDA-cleared; must not be the sole basis of a clinical decision."
