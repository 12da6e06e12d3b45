"""Makes `gates:` of `rollout.yaml` from the registry of gates: fields, checks, defaults and descriptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, time, timedelta
from functools import partial
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, create_model

from rollout.domain.gates import GATES, Freeze, GateRules
from rollout.domain.gates.gate import QUIET_FOR, AnyGate, Form, Setting
from rollout.settings.fields import (
    Duration,
    FreezeDays,
    Hours,
    Listed,
    NoRepeats,
    NotEmpty,
    Percent,
    PrincipalGlob,
    Zone,
    shown,
)
from rollout.settings.section import Section

AnySection = TypeVar("AnySection", bound=Section)
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

FIELDS: Mapping[Form, Any] = {
    Form.SWITCH: bool,
    Form.COUNT: Annotated[int, Field(ge=0)],
    Form.PERCENT: Percent,
    Form.DURATION: Duration,
    Form.WEEKDAYS: Annotated[tuple[Weekday, ...], Listed, NotEmpty, NoRepeats],
    Form.HOURS: Hours,
    Form.ZONE: Zone,
    Form.DAYS: Annotated[tuple[FreezeDays, ...], Listed, NoRepeats],
    Form.PRINCIPALS: Annotated[tuple[PrincipalGlob, ...], Listed, NoRepeats],
}
"""What each form may hold."""


def gates_section(name: str, base: type[AnySection], gates: Iterable[AnyGate] = GATES) -> type[AnySection]:
    """Add the setting of each gate to a section; `name` is what the module of `base` calls the result."""
    fields: dict[str, Any] = {
        gate.name: _field(gate.name, gate.setting) for gate in gates if gate.setting is not None
    }
    section: type[AnySection] = create_model(
        name, __base__=base, __module__=base.__module__, __doc__=base.__doc__, **fields
    )
    # Where pickle looks for a class.
    for inner in (model for kind, _ in fields.values() if (model := _model_in(kind))):
        inner.__module__, inner.__qualname__ = base.__module__, f"{name}.{inner.__name__}"
        setattr(section, inner.__name__, inner)
    return section


def gate_rules(
    section: Section, gates: Iterable[AnyGate] = GATES, *, quiet_for: timedelta = QUIET_FOR
) -> GateRules:
    """Read the settings of all gates from a section that was made of the same gates; `quiet_for` as in GateRules."""
    gates = tuple(gates)
    return GateRules(
        gates,
        quiet_for=quiet_for,
        **{
            gate.name: _value(getattr(section, gate.name), gate.setting)
            for gate in gates
            if gate.setting is not None
        },
    )


def _field(name: str, setting: Setting[Any]) -> tuple[Any, Any]:
    if isinstance(setting.form, Form):
        value = FIELDS[setting.form]
        value = value | None if setting.default is None else value
        return value, Field(default=setting.default, description=setting.description)
    keys: dict[str, Any] = {
        key: (FIELDS[part.form], Field(default=part.default, description=part.description))
        for key, part in setting.form.items()
    }
    model = create_model(f"{name}_section", __base__=Section, __doc__=setting.description, **keys)
    kind: Any = model
    if setting.short:
        kind = Annotated[
            model,
            BeforeValidator(partial(_in_full, setting.short), json_schema_input_type=bool | model),
        ]
    return kind, Field(default=model(), description=setting.description)


def _in_full(short: Mapping[bool, Mapping[str, object]], written: object) -> object:
    """Write out true and false, and what a mapping leaves out."""
    if isinstance(written, bool):
        return dict(short[written])
    if isinstance(written, dict):
        return {**short[True], **written}
    if isinstance(written, Section):
        return written
    raise ValueError(f"must be true, false or a mapping, not {shown(written)}")


def _model_in(kind: Any) -> type[Section] | None:
    """Find the section of a field: the type itself, or what is annotated."""
    inner = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return inner if isinstance(inner, type) and issubclass(inner, Section) else None


def _value(written: Any, setting: Setting[Any]) -> Any:
    """Make a value of what is written. A mapping that changes no default leaves the gate's own default in force."""
    if isinstance(setting.form, Form):
        return _read(written, setting.form)
    if written == type(written)():
        return setting.default
    parts = {key: _read(getattr(written, key), part.form) for key, part in setting.form.items()}
    return setting.read(**parts) if setting.read else parts


def _read(written: Any, form: Form) -> Any:
    match form:
        case Form.SWITCH | Form.COUNT | Form.PERCENT | Form.DURATION | Form.WEEKDAYS | Form.PRINCIPALS:
            return written
        case Form.HOURS:
            opens, _, closes = written.partition("-")
            return time.fromisoformat(opens), None if closes == "24:00" else time.fromisoformat(closes)
        case Form.ZONE:
            return ZoneInfo(written)
        case Form.DAYS:
            spans = (text.partition("..") for text in written)
            return tuple(
                Freeze(date.fromisoformat(first), date.fromisoformat(last or first))
                for first, _, last in spans
            )
