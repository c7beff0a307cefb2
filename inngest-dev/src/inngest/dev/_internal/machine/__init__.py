"""The state machine: what an event, an answer or a timer does to runs. Pure: no I/O, no clock."""
