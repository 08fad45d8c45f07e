"""An editor for XML: $VISUAL or $EDITOR on a temporary file."""

from __future__ import annotations

import click

from ...wire.errors import OperationFailed


def edited(xml: str) -> str | None:
    """What the user makes of a text, None when nothing was changed. Raises OperationFailed without an editor."""
    try:
        changed = click.edit(xml, extension=".xml", require_save=True)
    except click.ClickException as error:
        raise OperationFailed(f"the editor did not work: {error.format_message()}") from error
    return None if changed is None or changed.strip() == xml.strip() else changed
