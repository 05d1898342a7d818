"""The exact derivative of a discrete run by what went into it: a run gone back through its steps, dates and doses."""
