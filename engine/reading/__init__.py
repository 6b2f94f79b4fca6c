"""The readings: what a person sees of inboxes, cases, tasks and histories. Nothing in this room writes a row."""
