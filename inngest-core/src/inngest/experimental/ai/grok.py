"""Models of xAI."""

from inngest.experimental.ai._provider import Provider


class Adapter(Provider):
    """Asks xAI's API, which speaks the dialect of OpenAI."""

    default_base_url = "https://api.x.ai/v1"
    dialect = "openai-chat"
    path = "/chat/completions"


__all__ = ["Adapter"]
