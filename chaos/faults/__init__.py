"""What can be done to a wire: one fault, one file, registered by the name that Toxiproxy gives it."""
