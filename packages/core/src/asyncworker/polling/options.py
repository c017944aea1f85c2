"""The options of a route whose messages are asked for."""

from __future__ import annotations

from asyncworker.codecs import checked
from asyncworker.codecs.codec import Codec, shown
from asyncworker.intake.options import IntakeOptions
from asyncworker.options import Actions, DefaultValues
from asyncworker.record import by, checked_field, member_of, optional


class PolledOptions(IntakeOptions):
    """Hold the options of a route whose messages are asked for; a backend may extend it.

    on_success: what is done with messages whose handler returned, and that say nothing themselves.
    on_exception: what is done with messages whose handler raised, and that say nothing themselves.
    on_invalid: what is done with messages whose body cannot be decoded, or does not fit its type.
    No handler is given them.
    codec: what bodies are decoded by, itself or its name. None: what the message says.
    """

    on_success: Actions = checked_field(default=DefaultValues.ON_SUCCESS, schema=member_of(Actions))
    on_exception: Actions = checked_field(
        default=DefaultValues.ON_EXCEPTION, schema=member_of(Actions)
    )
    on_invalid: Actions = checked_field(default=DefaultValues.ON_INVALID, schema=member_of(Actions))
    codec: Codec | None = checked_field(default=None, schema=optional(by(checked)), shown=shown)
