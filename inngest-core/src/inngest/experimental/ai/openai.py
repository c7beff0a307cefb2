"""OpenAI models, and other providers with the same request format."""

from inngest.experimental.ai._provider import Provider


class Adapter(Provider):
    """Adapter for OpenAI's Chat Completions API."""

    default_base_url = "https://api.openai.com/v1"
    dialect = "openai-chat"
    path = "/chat/completions"


__all__ = ["Adapter"]
