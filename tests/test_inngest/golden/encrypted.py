"""The recorded app with encryption, and an independent decryption of what it sends."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import nacl.exceptions
import nacl.secret

import inngest
from inngest import Context, ContextSync, Function, Inngest
from inngest.encryption import EncryptionMiddleware

from .apps import Functions, on, recorded

SECRET = "my secret key"


def decrypted(data: object) -> object:
    """Decrypt the text of an encrypted value."""
    key = hashlib.blake2b(SECRET.encode(), digest_size=32).digest()
    assert isinstance(data, str)
    return json.loads(nacl.secret.SecretBox(key).decrypt(base64.b64decode(data)))


def hold_the_same(recorded: object, ours: object) -> bool:
    """Return whether two texts encrypt equal values with different nonces."""
    try:
        return decrypted(recorded) == decrypted(ours) and recorded != ours
    except (AssertionError, ValueError, nacl.exceptions.CryptoError):
        return False


def build(client: Inngest, child: Any, fn: Any) -> Functions:
    client.add_middleware(EncryptionMiddleware.factory(SECRET))
    made: Function[Any] = client.create_function(fn_id="child", trigger=on("encm/never"))(child)
    parent = client.create_function(fn_id="fn", trigger=on("encm/go"), retries=0)(fn(made))
    return [made, parent]


@recorded("encryption_middleware")
def encrypting_async(client: Inngest) -> Functions:
    async def child(ctx: Context) -> object:
        return {"got": ctx.event.data["encrypted"]}

    def parent(invoked: Any) -> Any:
        async def fn(ctx: Context) -> object:
            async def secret() -> dict[str, int]:
                return {"secret": 1}

            async def nothing() -> None:
                return None

            x = await ctx.step.run("a", secret)
            await ctx.step.run("n", nothing)
            data = {"encrypted": {"for": "child"}, "plain": 1}
            y = await ctx.step.invoke("i", function=invoked, data=data)
            return {"x": x, "y": y, "ev": ctx.event.data}

        return fn

    return build(client, child, parent)


@recorded("encryption_middleware")
def encrypting_sync(client: Inngest) -> Functions:
    def child(ctx: ContextSync) -> object:
        return {"got": ctx.event.data["encrypted"]}

    def parent(invoked: Any) -> Any:
        def fn(ctx: ContextSync) -> object:
            x = ctx.step.run("a", lambda: {"secret": 1})
            ctx.step.run("n", lambda: None)
            data = {"encrypted": {"for": "child"}, "plain": 1}
            y = ctx.step.invoke("i", function=invoked, data=data)
            return {"x": x, "y": y, "ev": ctx.event.data}

        return fn

    return build(client, child, parent)


EVENT = inngest.Event(name="encm/go", data={"encrypted": {"ssn": "123"}, "open": True})
"""What the recording's driver sent with the app's client."""

__all__ = ["EVENT", "SECRET", "decrypted", "hold_the_same"]
