"""Durable endpoints: runs whose code is an app's own HTTP handler.

The app answers its client by itself and records the steps on the way. When it cannot go on
alone, or falls silent, the engine repeats the request that began the run.
"""
