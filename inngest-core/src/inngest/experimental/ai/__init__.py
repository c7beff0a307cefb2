"""Providers of models for ``step.ai.infer``: one module with an ``Adapter`` for each.

::

    adapter = openai.Adapter(auth_key=os.environ["OPENAI_API_KEY"], model="gpt-4o")
    answer = await ctx.step.ai.infer("ask", adapter=adapter, body={"messages": [...]})

The server makes the request, so the key travels to it, in clear, as part of the step. It is
in no URL and in no ``repr``. Bodies and answers are in the provider's own form. For another
provider write a class with the methods of :class:`BaseAdapter`.
"""

from inngest._internal.step.ai import AIAdapter as BaseAdapter
from inngest.experimental.ai import anthropic, deepseek, gemini, grok, openai

__all__ = ["BaseAdapter", "anthropic", "deepseek", "gemini", "grok", "openai"]
