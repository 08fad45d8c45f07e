"""``python -m virtactor.wire.documents.schemas``: write the published schemas anew from the classes of documents."""

from . import SCHEMAS, Schema
from .layout import published


def text_of(schema: Schema) -> str:
    """What a schema's file is to have."""
    within = (schema.within.path.name, schema.within.cls) if schema.within else None
    return published(schema.root, schema.cls, within)


def main() -> None:
    for schema in SCHEMAS.values():
        schema.path.write_text(text_of(schema))


if __name__ == "__main__":
    main()
