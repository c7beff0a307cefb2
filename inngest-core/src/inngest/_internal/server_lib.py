"""Names that published packages import from here, such as ``inngest_encryption``."""

import enum

from inngest._internal.event import Event
from inngest._internal.function.registration import FunctionConfig
from inngest._internal.op import Opcode
from inngest._internal.protocol import headers
from inngest._internal.types import ServerKind


class HeaderKey(enum.Enum):
    """Header names, in lower case."""

    AUTHORIZATION = headers.AUTHORIZATION
    CONTENT_TYPE = headers.CONTENT_TYPE
    ENV = headers.ENV
    EVENT_ID_SEED = headers.EVENT_ID_SEED
    EXPECTED_SERVER_KIND = headers.EXPECTED_SERVER_KIND
    FRAMEWORK = headers.FRAMEWORK
    JOB_ID = headers.JOB_ID
    NO_RETRY = headers.NO_RETRY
    REQUEST_ID = headers.REQUEST_ID
    REQUEST_VERSION = headers.REQ_VERSION
    RETRY_AFTER = headers.RETRY_AFTER
    SDK = headers.SDK
    SDK_HANDLED = headers.SDK_HANDLED
    SERVER_KIND = headers.SERVER_KIND
    SERVER_TIMING = headers.SERVER_TIMING
    SIGNATURE = headers.SIGNATURE
    SYNC_KIND = headers.SYNC_KIND
    USER_AGENT = headers.USER_AGENT


__all__ = ["Event", "FunctionConfig", "HeaderKey", "Opcode", "ServerKind"]
