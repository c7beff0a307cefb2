"""The gateway of the embedded engine: calls of functions go over sockets that workers open.

It needs the extra ``inngest-dev[connect]``, and is imported when a worker first asks for it.
"""
