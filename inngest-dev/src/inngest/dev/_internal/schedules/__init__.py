"""Cron: which moments a schedule means, and the timers that wait for them. Pure."""
