"""What theory says, and how data answers."""
