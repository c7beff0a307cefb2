"""What a function is: its handler, triggers and flow control, and how it registers."""
