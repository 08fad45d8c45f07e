from ..uninstalled import make_importable

make_importable("campaign")
