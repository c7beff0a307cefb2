"""xAI models."""

from inngest.experimental.ai._provider import Provider


class Adapter(Provider):
    """Adapter for xAI's API, which has OpenAI's request format."""

    default_base_url = "https://api.x.ai/v1"
    dialect = "openai-chat"
    path = "/chat/completions"


__all__ = ["Adapter"]
