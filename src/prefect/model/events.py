"""Events: something happened to a resource, and others were related to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field, RootModel, model_validator
from typing_extensions import Self

from prefect._base.clock import now
from prefect._base.ids import new_uuid
from prefect.model.base import DateTime, PrefectBaseModel

MAXIMUM_LABELS = 500
MAXIMUM_RELATED = 100
RESOURCE_ID = "prefect.resource.id"
RESOURCE_ROLE = "prefect.resource.role"
RESOURCE_NAME = "prefect.resource.name"


class Labelled(RootModel[dict[str, str]]):
    """Labels and their values; read like a mapping."""

    root: dict[str, str] = Field(default_factory=dict)

    def keys(self) -> Any:
        """The labels."""
        return self.root.keys()

    def items(self) -> Any:
        """Labels with their values."""
        return self.root.items()

    def __getitem__(self, label: str) -> str:
        return self.root[label]

    def __setitem__(self, label: str, value: str) -> None:
        self.root[label] = value

    def get(self, label: str, default: str | None = None) -> str | None:
        """The value of a label."""
        return self.root.get(label, default)

    def __contains__(self, label: object) -> bool:
        return label in self.root

    def __len__(self) -> int:
        return len(self.root)

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]  # of labels, as a mapping; not of fields
        return iter(self.root)

    def as_label_value_array(self) -> list[dict[str, str]]:
        """`[{"label": …, "value": …}, …]`."""
        return [{"label": label, "value": value} for label, value in self.root.items()]


class Resource(Labelled):
    """What an event is about: labels, `prefect.resource.id` among them."""

    @model_validator(mode="after")
    def enforce_maximum_labels(self) -> Self:
        """At most 500 labels."""
        if len(self.root) > MAXIMUM_LABELS:
            raise ValueError(f"Expected at most {MAXIMUM_LABELS} labels, got {len(self.root)}.")
        return self

    @model_validator(mode="after")
    def requires_resource_id(self) -> Self:
        """An id there must be."""
        if RESOURCE_ID not in self.root:
            raise ValueError("Resources must include the prefect.resource.id label")
        if not self.root[RESOURCE_ID]:
            raise ValueError("The prefect.resource.id label must be non-empty")
        return self

    @property
    def id(self) -> str:
        """`prefect.resource.id`."""
        return self.root[RESOURCE_ID]

    @property
    def name(self) -> str | None:
        """`prefect.resource.name`."""
        return self.root.get(RESOURCE_NAME)

    def prefect_object_id(self, kind: str) -> UUID:
        """The id of the object that the resource stands for: `kind` is, for example, `prefect.flow-run`.

        Raises:
            ValueError: it is none of that kind.
        """
        prefix = f"{kind}." if not kind.endswith(".") else kind
        if not self.id.startswith(prefix):
            raise ValueError(f"Expected a resource of kind {kind!r}, got {self.id!r}.")
        return UUID(self.id[len(prefix) :])


class RelatedResource(Resource):
    """Another resource that an event concerns, and its part in it: `prefect.resource.role`."""

    @model_validator(mode="after")
    def requires_resource_role(self) -> Self:
        """A role there must be."""
        if not self.root.get(RESOURCE_ROLE):
            raise ValueError("Related Resources must include the prefect.resource.role label")
        return self

    @property
    def role(self) -> str:
        """`prefect.resource.role`."""
        return self.root[RESOURCE_ROLE]


class Event(PrefectBaseModel):
    """Something that happened.

    `occurred` is when, `event` what (a dotted name), `resource` to what; `payload` is whatever else is known.
    `follows` is the id of an event that is known to have happened before.
    """

    occurred: DateTime = Field(default_factory=now)
    event: str
    resource: Resource
    related: list[RelatedResource] = Field(default_factory=list[RelatedResource])
    payload: dict[str, Any] = Field(default_factory=dict)
    id: UUID = Field(default_factory=new_uuid)
    follows: UUID | None = None

    @model_validator(mode="after")
    def enforce_maximum_related_resources(self) -> Self:
        """At most 100 related resources."""
        if len(self.related) > MAXIMUM_RELATED:
            raise ValueError(
                f"Expected at most {MAXIMUM_RELATED} related resources, got {len(self.related)}."
            )
        return self

    def model_post_init(self, context: Any, /) -> None:  # noqa: ARG002 - the name is pydantic's
        """Which event it is, and when it was, belong to it though nobody said so: they are sent with it."""
        self.__pydantic_fields_set__.update(("id", "occurred"))

    @property
    def size_bytes(self) -> int:
        """The length of its JSON."""
        return len(self.model_dump_json().encode())

    @property
    def involved_resources(self) -> Sequence[Resource]:
        """Its resource, and the related ones."""
        return [self.resource, *self.related]

    @property
    def resource_in_role(self) -> Mapping[str, RelatedResource]:
        """The first related resource of each role."""
        return {one.role: one for one in reversed(self.related)}

    @property
    def resources_in_role(self) -> Mapping[str, Sequence[RelatedResource]]:
        """The related resources of each role."""
        found: dict[str, list[RelatedResource]] = {}
        for one in self.related:
            found.setdefault(one.role, []).append(one)
        return found

    def find_resource_label(self, label: str) -> str | None:
        """The value of a label of the resource; of `role:label`, that of the first related resource of the role."""
        for role, resource in self.resource_in_role.items():
            if label.startswith(f"{role}:") and (found := resource.get(label[len(role) + 1 :])) is not None:
                return found
        return self.resource.get(label)


class ReceivedEvent(Event):
    """An event that a server has received, and when."""

    received: datetime = Field(default_factory=now)


class ResourceSpecification(RootModel[dict[str, str | list[str]]]):
    """Which resources: for each label the values it may have, `*` at an end stands for anything, `!` for not."""

    root: dict[str, str | list[str]] = Field(default_factory=dict)

    def matches_every_resource(self) -> bool:
        """Whether nothing is asked for."""
        return all(value in ("*", ["*"]) for value in self.root.values())

    def includes(self, candidates: Sequence[Labelled]) -> bool:
        """Whether one of the resources meets it."""
        return self.matches_every_resource() or any(self.matches(one) for one in candidates)

    def matches(self, resource: Labelled | Mapping[str, str]) -> bool:
        """Whether the resource has, for each label, one of the values."""
        return all(
            _label_matches(resource.get(label), [values] if isinstance(values, str) else values)
            for label, values in self.root.items()
        )

    def matches_every_resource_of_kind(self, prefix: str) -> bool:
        """Whether it asks for nothing but the kind: `prefix` is, for example, `prefect.flow-run`."""
        if self.matches_every_resource():
            return True
        return len(self.root) == 1 and self.get(RESOURCE_ID) == [f"{prefix}.*"]

    def items(self) -> list[tuple[str, list[str]]]:
        """Each label with its values."""
        return [(label, _listed(values)) for label, values in self.root.items()]

    def get(self, key: str, default: str | list[str] | None = None) -> list[str] | None:
        """The values of a label, or else `default`, as a list."""
        return _listed_or_none(self.root.get(key, default))

    def pop(self, key: str, default: str | list[str] | None = None) -> list[str] | None:
        """The same, and the label is taken out."""
        return _listed_or_none(self.root.pop(key, default))

    def deepcopy(self) -> ResourceSpecification:
        """A copy that can be changed by itself."""
        return self.model_copy(deep=True)

    def __contains__(self, key: object) -> bool:
        return key in self.root

    def __len__(self) -> int:
        return len(self.root)


def _listed(values: str | list[str]) -> list[str]:
    return [values] if isinstance(values, str) else values


def _listed_or_none(values: str | list[str] | None) -> list[str] | None:
    return None if values is None else _listed(values)


def _label_matches(value: str | None, wanted: Sequence[str]) -> bool:
    refused = [one[1:] for one in wanted if one.startswith("!")]
    asked = [one for one in wanted if not one.startswith("!")]
    if value is None:
        return not asked
    if any(_is_like(value, one) for one in refused):
        return False
    return not asked or any(_is_like(value, one) for one in asked)


def _is_like(value: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return value.startswith(pattern[:-1])
    if pattern.startswith("*"):
        return value.endswith(pattern[1:])
    return value == pattern
