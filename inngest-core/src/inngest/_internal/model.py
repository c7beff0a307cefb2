"""The base of the public pydantic models: strict fields, no unknown ones, our own errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pydantic
from typing_extensions import Self

from inngest._internal.errors import Error, FunctionConfigInvalidError

if TYPE_CHECKING:
    from inspect import Signature


class _Signature:
    """Computes ``__signature__`` on access: pydantic sets it only when it builds the model."""

    def __get__(self, instance: object, owner: type[BaseModel]) -> Signature:
        from inspect import Parameter, Signature

        return Signature(
            [
                Parameter(
                    name,
                    Parameter.KEYWORD_ONLY,
                    default=Parameter.empty if field.is_required() else field.get_default(),
                    annotation=field.rebuild_annotation(),
                )
                for name, field in owner.model_fields.items()
            ]
        )


class BaseModel(pydantic.BaseModel):
    """A strict model. Unknown keyword arguments are errors; errors never show values."""

    model_config: ClassVar[pydantic.ConfigDict] = pydantic.ConfigDict(
        extra="forbid",
        strict=True,
        hide_input_in_errors=True,
        defer_build=True,  # building a model makes pydantic scan entry points
    )

    _error: ClassVar[type[Error]] = FunctionConfigInvalidError

    if not TYPE_CHECKING:  # type checkers derive a more precise signature from the fields
        __signature__ = _Signature()

        def __init__(self, /, **fields: Any) -> None:
            try:
                super().__init__(**fields)
            except pydantic.ValidationError as err:
                raise self.convert_validation_error(err) from None

    @classmethod
    def from_raw(cls, raw: object) -> Self | Exception:
        """Validate ``raw``, a mapping of field names; return the model or the error."""
        try:
            return cls.model_validate(raw)
        except pydantic.ValidationError as err:
            failure = cls.convert_validation_error(err)
            return failure if isinstance(failure, Exception) else err
        except (Error, TypeError, ValueError, RecursionError) as err:
            return err

    def to_dict(self) -> dict[str, object]:
        """Return the model as JSON types: wire names, durations as text, no nulls."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @classmethod
    def convert_validation_error(cls, err: BaseException) -> BaseException:
        """Convert pydantic's error to this library's, which names each invalid field."""
        if not isinstance(err, pydantic.ValidationError):
            return err
        return cls._error(describe(err))


def describe(err: pydantic.ValidationError) -> str:
    """Describe what is wrong with each field, without its value."""
    lines = dict.fromkeys(
        f"{_field(detail['loc'])}: {_reason(detail)}"
        for detail in err.errors(include_url=False, include_input=False)
    )
    return "; ".join(lines)


def _field(loc: tuple[int | str, ...]) -> str:
    return str(loc[0]) if loc else "arguments"


def _reason(detail: Any) -> str:
    cause = detail.get("ctx", {}).get("error")
    return str(cause) if isinstance(cause, ValueError) else str(detail["msg"])
