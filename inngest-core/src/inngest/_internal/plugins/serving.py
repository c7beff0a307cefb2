"""``inngest.serve``: serve functions from whatever kind of app it is given."""

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
    """Serve functions from an app, whatever its framework, if a wheel for it is installed.

    The app decides: among the transports that are installed, the one that accepts it is
    used. No framework is imported that the app has not imported itself.

    :param app: the app, such as a ``flask.Flask``.
    :param client: the client that the functions belong to.
    :param functions: all functions of the app.
    :param options: what the ``serve`` of that framework takes, such as ``serve_path``.
    :returns: what the ``serve`` of that framework returns.
    :raises TransportNotFoundError: nothing that is installed accepts the app; the message
        says what to install.
    :raises PluginError: a plugin that was asked for by name failed.
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
    """Return the plugins of a client."""
    from inngest._internal.plugins.host import PluginHost

    own = getattr(client, "_plugins", None)
    if isinstance(own, PluginHost):
        return own
    return _hosts.setdefault(client, PluginHost())
