"""Models of DeepSeek."""

from inngest.experimental.ai._provider import Provider


class Adapter(Provider):
    """Asks DeepSeek's API, which speaks the dialect of OpenAI."""

    default_base_url = "https://api.deepseek.com/v1"
    dialect = "openai-chat"
    path = "/chat/completions"


__all__ = ["Adapter"]
