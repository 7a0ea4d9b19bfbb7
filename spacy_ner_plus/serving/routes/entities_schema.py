"""What is asked with a request, and what an answer is."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...records import TextRecord
from ..batching.fair_queue import Priority
from .error_answers import ApiError
from .record_schema import RecordIn, RecordOut

MAX_ALTERNATIVES = 10
_MAX_FAULTS = 20
Probability = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=64)]
EXAMPLE_TEXT = "Selegiline can cause hypotension."
REQUEST_EXAMPLES: dict[str, Any] = {
    "one text": {"value": {"text": EXAMPLE_TEXT}},
    "some records": {
        "value": {
            "records": [{"id": "a", "text": EXAMPLE_TEXT}, {"id": "b", "text": "No effect."}],
            "threshold": 0.5,
        }
    },
    "an entity that is known": {
        "value": {
            "records": [
                {"text": EXAMPLE_TEXT, "spans": [{"start": 0, "end": 10, "label": "Chemical"}]}
            ]
        }
    },
}


class Options(BaseModel):
    """How entities are looked for, and which are wanted."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    model: Name | None = Field(None, description="The name of a model; the server's first if none")
    version: Name | None = Field(None, description="Its version; the first of this name if none")
    threshold: Probability | dict[str, Probability] | None = Field(
        None,
        description="The least probability of an entity, of all or by label. What the pipeline "
        "itself leaves out does not come back",
    )
    labels: Annotated[list[str], Field(max_length=1000)] | None = Field(
        None, description="The types of entities that are wanted; all if none"
    )
    alternatives: Annotated[int, Field(ge=0, le=MAX_ALTERNATIVES)] = Field(
        0, description="How many readings of each sentence to give"
    )
    priority: Priority | None = Field(
        None, description="interactive or bulk; by size if none is given"
    )
    timeout: Annotated[float, Field(gt=0, le=3600)] | None = Field(
        None, description="Seconds after which the answer is of no use any more"
    )

    def wanted_labels(self) -> set[str]:
        """All labels that are named."""
        named = set(self.labels or ())
        return named | set(self.threshold) if isinstance(self.threshold, dict) else named


class EntitiesRequest(Options):
    """A text, or records."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["text"]}, {"required": ["records"]}]}
    )

    text: str | None = Field(None, description="A text, in place of records")
    records: list[RecordIn] | None = Field(None, description="Texts with what is known of them")

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.text is None) == (self.records is None):
            raise ValueError('either "text" or "records" must be given.')
        return self

    def asked(self) -> list[TextRecord]:
        """What entities are wanted of. RAISES ApiError: The text is none."""
        if self.records is not None:
            return self.records
        try:
            return [TextRecord(self.text or "", spans=None)]
        except ValueError as error:
            raise ApiError(422, "invalid", str(error), where="text") from None


class ModelAnswer(BaseModel):
    """The model that has answered."""

    name: str
    version: str


class EntitiesAnswer(BaseModel):
    """The records of a request, with the entities that were found."""

    model: ModelAnswer
    records: list[RecordOut]


class Fault(BaseModel):
    """Something that is wrong with a request."""

    code: str = Field(description="What programs go by")
    message: str = Field(description="What is wrong, and what to do")
    where: str | None = Field(None, description="The place in the request")
    details: list[dict[str, str]] | None = None


class ErrorAnswer(BaseModel):
    """What is sent in place of an answer."""

    error: Fault


class ModelDescription(BaseModel):
    """A model of the server."""

    name: str
    version: str
    lang: str
    labels: list[str]
    scores: dict[str, float] = Field(description="Of its meta.json")
    data_version: Any = Field(None, description="Of its meta.json, if that says")
    sha256: str | None = Field(None, description="Of all its files")
    nested: bool = Field(description="Whether entities may lie within each other")
    alternatives: bool = Field(description="Whether it gives other readings of sentences")
    max_characters: int = Field(description="Of a text")
    is_ready: bool
    reload_failed: bool = Field(description="Whether a newer one could not be loaded")


class ModelsAnswer(BaseModel):
    """The models of the server, the first one of which is meant by who names none."""

    models: list[ModelDescription]


def read_request(body: bytes) -> EntitiesRequest:
    """RAISES ApiError: What is wrong, and where."""
    try:
        return EntitiesRequest.model_validate_json(body)
    except ValidationError as error:
        raise as_api_error(error) from None


def as_api_error(error: ValidationError) -> ApiError:
    """What pydantic found, without what was sent."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    faults = [
        {"message": str(one["msg"]).removeprefix("Value error, "), "where": place(one["loc"])}
        for one in found[:_MAX_FAULTS]
    ]
    first = faults[0]
    return ApiError(
        422,
        "invalid",
        first["message"],
        where=first["where"],
        details=faults if len(faults) > 1 else (),
    )


def place(location: tuple[int | str, ...]) -> str:
    """A place as it is written in Python: records[3].text."""
    parts = (f"[{one}]" if isinstance(one, int) else f".{one:.80}" for one in location)
    return "".join(parts).lstrip(".")
