"""Who asks, what for, and whether they may: accounts, sessions, tokens, the policy, the audit."""
