"""From rows of a file or a database to customers, accounts, events, consents and suppressions."""
