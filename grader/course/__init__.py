"""What a course's folder says: its configuration, its lessons, its known answers."""
