"""The gateway of Connect: functions are called over WebSockets that workers have opened.

It needs the extra ``inngest-dev[connect]``, and is imported when a worker first asks for it.
"""
