"""What is remembered: customers, inputs, effects, journal, messages, consents, tasks, catalog, audit."""
