"""Take a finished model through its life: pack, gate, register, serve."""
