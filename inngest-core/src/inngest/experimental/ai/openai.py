"""Models of OpenAI, and of whoever speaks its dialect."""

from inngest.experimental.ai._provider import Provider


class Adapter(Provider):
    """Asks OpenAI's Chat Completions API."""

    default_base_url = "https://api.openai.com/v1"
    dialect = "openai-chat"
    path = "/chat/completions"


__all__ = ["Adapter"]
