"""``inngest.serve``: serve functions from an app of any framework."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from inngest._internal.errors import PluginError, TransportNotFoundError

if TYPE_CHECKING:
    from inngest._internal.client.client import Inngest
    from inngest._internal.function.function import Function
    from inngest._internal.plugins.host import PluginHost


def serve(
    app: object, client: Inngest, functions: Sequence[Function[Any]], **options: object
) -> object:
    """Serve functions from an app of any framework whose transport is installed.

    The first installed transport that accepts the app is used. Frameworks are not imported, except
    by the app itself.

    :param app: the app, such as a ``flask.Flask``.
    :param client: the client that the functions belong to.
    :param functions: all functions of the app.
    :param options: further arguments of the framework's own ``serve``, such as ``serve_path``.
    :returns: the result of the framework's own ``serve``.
    :raises TransportNotFoundError: no installed transport accepts the app; the message says what
        to install.
    :raises PluginError: a plugin that was requested by name failed.
    """
    if type(app).__name__ == "Inngest" or not hasattr(client, "app_id"):
        raise TransportNotFoundError(
            "the order is inngest.serve(app, client, functions); "
            f"it was given {type(app).__name__} and {type(client).__name__} first"
        )
    transport = host_of(client).transport_for(app)
    if isinstance(transport, PluginError):
        raise transport
    return transport.serve(app, client, functions, **options)


_hosts: weakref.WeakKeyDictionary[Inngest, PluginHost] = weakref.WeakKeyDictionary()


def host_of(client: Inngest) -> PluginHost:
    """Return the plugin host of a client."""
    from inngest._internal.plugins.host import PluginHost

    own = getattr(client, "_plugins", None)
    if isinstance(own, PluginHost):
        return own
    return _hosts.setdefault(client, PluginHost())
