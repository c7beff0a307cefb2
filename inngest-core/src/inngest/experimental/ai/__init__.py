"""Model providers for ``step.ai.infer``: one module with an ``Adapter`` class for each.

::

    adapter = openai.Adapter(auth_key=os.environ["OPENAI_API_KEY"], model="gpt-4o")
    answer = await ctx.step.ai.infer("ask", adapter=adapter, body={"messages": [...]})

The Inngest server makes the request, so it receives the key, in plain text, as part of the
step. The key is never part of a URL or a ``repr``. Request and response bodies have the
provider's own format. To add a provider, write a class with the methods of
:class:`BaseAdapter`.
"""

from inngest._internal.step.ai import AIAdapter as BaseAdapter
from inngest.experimental.ai import anthropic, deepseek, gemini, grok, openai

__all__ = ["BaseAdapter", "anthropic", "deepseek", "gemini", "grok", "openai"]
