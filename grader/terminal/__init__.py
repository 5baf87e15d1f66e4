"""What every command says, and how."""
