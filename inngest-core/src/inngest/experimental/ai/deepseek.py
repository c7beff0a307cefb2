"""DeepSeek models."""

from inngest.experimental.ai._provider import Provider


class Adapter(Provider):
    """Adapter for DeepSeek's API, which has OpenAI's request format."""

    default_base_url = "https://api.deepseek.com/v1"
    dialect = "openai-chat"
    path = "/chat/completions"


__all__ = ["Adapter"]
