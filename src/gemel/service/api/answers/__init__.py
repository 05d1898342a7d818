"""What the API answers, as types: the one place that says which fields an answer has. Their order and names are the contract."""
