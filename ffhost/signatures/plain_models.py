"""Which types of pydantic are frozen, and written and read as they are without settings."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from ffhost.signatures.flask_json import is_pydantic_model
from ffhost.signatures.json_measures import UnsafeValueType

_PLAIN_CONFIG: Final = frozenset(
    {
        "extra",
        "from_attributes",
        "frozen",
        "json_schema_extra",
        "populate_by_name",
        "protected_namespaces",
        "title",
        "use_attribute_docstrings",
        "validate_default",
    }
)
"""Settings of a pydantic type that change neither how it is written nor how it is read."""


def check_plain_model(kind: Any) -> None:
    """Check that a model or a dataclass of pydantic is frozen, and has no code of its own.

    Raises:
        Unsafe: it can be changed, or is written or read in a way of its own
    """
    from pydantic import BaseModel, RootModel

    decorators = kind.__pydantic_decorators__
    if is_pydantic_model(kind):
        config, frozen = kind.model_config, kind.model_config.get("frozen") is True
        own = (
            issubclass(kind, RootModel)
            or kind.__pydantic_custom_init__
            or kind.__pydantic_post_init__
            or kind.__private_attributes__
            or kind.__setattr__ is not BaseModel.__setattr__
            or _function(kind, "__get_pydantic_core_schema__")
            is not _function(BaseModel, "__get_pydantic_core_schema__")
        )
    else:
        config = getattr(kind, "__pydantic_config__", None) or {}
        params = vars(kind).get("__dataclass_params__")
        frozen = params is not None and params.frozen
        own = hasattr(kind, "__post_init__") or hasattr(kind, "__get_pydantic_core_schema__")
    if (
        not frozen
        or own
        or config.get("extra") == "allow"
        or not _PLAIN_CONFIG.issuperset(config)
        or any(getattr(decorators, each.name) for each in dataclasses.fields(decorators))
    ):
        raise UnsafeValueType


def _function(kind: Any, name: str) -> Any:
    return getattr(getattr(kind, name), "__func__", None)


def is_plain_model_field(field: Any) -> bool:
    """Whether a field of pydantic's is read and written under its name, always."""
    return (
        field.alias is None
        and field.validation_alias is None
        and field.serialization_alias is None
        and not field.exclude
        and field.discriminator is None
        and field.init is not False
        and not field.init_var
        and getattr(field, "exclude_if", None) is None
        and field.annotation is not None
    )


def is_model_constraint(given: Any) -> bool:
    """Whether *given* only refuses values, and does not change them."""
    from annotated_types import BaseMetadata, GroupedMetadata
    from pydantic.fields import FieldInfo

    if isinstance(given, FieldInfo):
        return (
            given.alias is None
            and given.validation_alias is None
            and given.serialization_alias is None
            and all(map(is_model_constraint, given.metadata))
        )
    return isinstance(given, BaseMetadata | GroupedMetadata)
