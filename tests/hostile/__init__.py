"""Objects that were made to do harm, and what became of them: for gemel's own service only."""
