"""The package list: the folders at the root, installed below the namespace package ``virtactor``."""

from setuptools import find_packages, setup

FOLDERS = ["actors", "client", "wire"]

setup(
    packages=[
        f"virtactor.{name}"
        for name in find_packages(include=[pattern for folder in FOLDERS for pattern in (folder, f"{folder}.*")])
    ],
    package_dir={"virtactor": "."},
)
