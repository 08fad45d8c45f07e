"""How processors compare, and what several have in common."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtactor.actors.cpu.arithmetic import (
    Processor,
    baseline,
    baseline_for,
    check_description,
    check_host_descriptions,
    compare,
    describe,
    incompatible,
)
from virtactor.actors.cpu.x86 import x86_models
from virtactor.wire.documents.cpu import CpuDescription, DescribedFeature, parse_cpu
from virtactor.wire.enums.domain_tuning import CPUCompareResult
from virtactor.wire.enums.error import ErrorDomain, ErrorNumber
from virtactor.wire.errors import InvalidArgument, OperationFailed, UnsupportedConfig, VirtError, XMLError

MODELS = x86_models()
NAMES = st.sampled_from([model.name for model in MODELS])
FEATURES = st.sets(st.sampled_from(sorted(MODELS.known)), max_size=6)
# A processor like Penryn's, of Intel's, with two features more.
HOST = Processor("x86_64", "Intel", MODELS.find("Penryn").features | {"avx", "vme"})


def cpu(inside: str = "", attributes: str = "") -> CpuDescription:
    return parse_cpu(f"<cpu{attributes}>{inside}</cpu>")


def model(name: str, *features: str, policy: str | None = "require", vendor: str | None = None) -> CpuDescription:
    described = tuple(DescribedFeature(policy=policy, name=each) for each in features)  # type: ignore[arg-type]
    return CpuDescription(arch="x86_64", model=name, vendor=vendor, features=described)


@pytest.mark.parametrize(
    ("inside", "result"),
    [
        ("<model>Penryn</model>", CPUCompareResult.SUPERSET),
        ("<model>Penryn</model><feature name='avx'/>", CPUCompareResult.SUPERSET),
        ("<model>Penryn</model><feature name='avx'/><feature name='vme'/>", CPUCompareResult.IDENTICAL),
        (
            "<model>Penryn</model><feature name='avx'/><feature name='vme' policy='optional'/>",
            CPUCompareResult.IDENTICAL,
        ),
        ("<model>Penryn</model><feature name='avx' policy='forbid'/>", CPUCompareResult.INCOMPATIBLE),
        ("<model>Penryn</model><feature name='svm' policy='forbid'/>", CPUCompareResult.SUPERSET),
        ("<model>Penryn</model><feature name='svm' policy='force'/>", CPUCompareResult.SUPERSET),
        ("<model>Haswell</model>", CPUCompareResult.INCOMPATIBLE),
        ("<model>Nehalem</model><feature name='popcnt' policy='disable'/>", CPUCompareResult.INCOMPATIBLE),
        ("<model>Penryn</model><vendor>AMD</vendor>", CPUCompareResult.INCOMPATIBLE),
        ("<model>Penryn</model><vendor>Intel</vendor>", CPUCompareResult.SUPERSET),
        ("<arch>i686</arch><model>Penryn</model>", CPUCompareResult.SUPERSET),
        ("<arch>aarch64</arch><model>Penryn</model>", CPUCompareResult.INCOMPATIBLE),
        ("", CPUCompareResult.SUPERSET),
    ],
)
def test_a_processor_is_compared_to_a_description(inside: str, result: CPUCompareResult) -> None:
    assert compare(HOST, cpu(inside), MODELS).result is result


def test_a_strict_match_allows_nothing_more() -> None:
    verdict = compare(HOST, cpu("<model>Penryn</model>", " match='strict'"), MODELS)
    assert verdict.result is CPUCompareResult.INCOMPATIBLE
    assert verdict.why == "Host CPU does not strictly match guest CPU: Extra features: avx, vme"


def test_what_is_incompatible_is_told_in_libvirts_words() -> None:
    error = incompatible(compare(HOST, cpu("<model>Westmere</model>"), MODELS))
    assert (error.code, error.domain) == (ErrorNumber.CPU_INCOMPATIBLE, ErrorDomain.CPU)
    assert "required features: aes, arat, pclmuldq, popcnt, sse4.2" in error.message


@pytest.mark.parametrize("inside", ["<model>Abacus</model>", "<model>Penryn</model><feature name='abacus'/>"])
def test_what_nobody_knows_is_refused(inside: str) -> None:
    with pytest.raises(InvalidArgument, match=r"Unknown CPU (model|feature) [Aa]bacus") as caught:
        compare(HOST, cpu(inside), MODELS)
    assert (caught.value.code, caught.value.domain) == (ErrorNumber.INTERNAL_ERROR, ErrorDomain.CPU)


@pytest.mark.parametrize(
    ("inside", "attributes", "kind"),
    [
        ("<arch>abacus</arch><model>Penryn</model>", "", UnsupportedConfig),
        ("<feature name='avx'/>", "", XMLError),
        ("<model>Penryn</model><feature name='avx'/><feature name='avx'/>", "", XMLError),
        ("<arch>x86_64</arch>", "", XMLError),
        ("<arch>x86_64</arch><model>Penryn</model>", " mode='host-model'", UnsupportedConfig),
    ],
)
def test_an_impossible_description_is_refused(inside: str, attributes: str, kind: type[VirtError]) -> None:
    with pytest.raises(kind) as caught:
        check_description(cpu(inside, attributes))
    assert caught.value.domain == ErrorDomain.CPU


@pytest.mark.parametrize(
    ("described", "kind"),
    [
        ([], InvalidArgument),
        ([cpu()], XMLError),
        ([cpu("<arch>x86_64</arch>")], XMLError),
        ([cpu("<model>Penryn</model>", " mode='custom'")], UnsupportedConfig),
    ],
)
def test_only_processors_of_hosts_have_something_in_common(
    described: list[CpuDescription], kind: type[VirtError]
) -> None:
    with pytest.raises(kind):
        check_host_descriptions(described)


def common(*described: CpuDescription, expand: bool = False, migratable: bool = False) -> CpuDescription:
    return baseline(described, MODELS, expand=expand, migratable=migratable)


def test_the_greatest_model_that_all_have_is_found() -> None:
    assert common(model("Haswell"), model("Penryn")) == CpuDescription(
        mode="custom", match="exact", fallback="allow", model="Penryn"
    )
    assert common(model("Haswell"), model("Haswell")).fallback == "forbid"


def test_what_is_more_than_the_model_is_required() -> None:
    found = common(model("Haswell", vendor="Intel"), model("Penryn", "avx", vendor="Intel"))
    assert (found.model, found.vendor) == ("Penryn", "Intel")
    assert found.features == (DescribedFeature(policy="require", name="avx"),)


def test_processors_of_two_makers_have_nobodys_model_in_common() -> None:
    found = common(model("Haswell"), model("EPYC"))
    assert (found.model, found.vendor) == ("kvm64", None)
    assert {"avx2", "fma", "lahf_lm"} <= {feature.name for feature in found.features}


def test_the_models_own_features_are_listed_where_wanted() -> None:
    found = common(model("Penryn"), expand=True)
    assert [feature.name for feature in found.features] == sorted(MODELS.find("Penryn").features)


def test_what_forbids_migration_is_left_out_where_wanted() -> None:
    assert common(model("Penryn", "invtsc")).features == (DescribedFeature(policy="require", name="invtsc"),)
    assert common(model("Penryn", "invtsc"), migratable=True).features == ()


def test_what_one_does_not_have_nobody_gets() -> None:
    assert common(model("Nehalem", "popcnt", policy="disable"), model("Nehalem")).model == "Penryn"


@pytest.mark.parametrize(
    "described",
    [
        (model("Haswell", vendor="AMD"),),
        (model("kvm64", vendor="AMD"), model("kvm64", vendor="Intel")),
    ],
)
def test_makers_that_contradict_each_other_are_refused(described: tuple[CpuDescription, ...]) -> None:
    with pytest.raises(OperationFailed, match="CPU vendor"):
        common(*described)


def test_a_hypervisor_gets_the_named_model_with_what_it_cannot_give_disabled() -> None:
    there = Processor("x86_64", "AMD", MODELS.find("Haswell").features - {"hle", "rtm"} | {"vme"})
    found = baseline_for(there, [model("Haswell")], MODELS, expand=False, migratable=False)
    assert (found.model, found.fallback) == ("Haswell", "forbid")
    assert {feature.name: feature.policy for feature in found.features} == {"hle": "disable", "rtm": "disable"}


@given(NAMES, FEATURES, NAMES, FEATURES)
def test_each_processor_is_a_superset_of_what_it_has_in_common_with_another(
    first: str, more: set[str], second: str, other: set[str]
) -> None:
    described = [model(first, *more), model(second, *other)]
    try:
        found = common(*described, expand=True)
    except OperationFailed:
        return
    for each in described:
        assert each.model is not None
        features = MODELS.find(each.model).features | {feature.name for feature in each.features}
        result = compare(Processor("x86_64", None, features), found, MODELS).result
        assert result in (CPUCompareResult.SUPERSET, CPUCompareResult.IDENTICAL)


@given(NAMES, FEATURES, FEATURES)
def test_a_processor_is_identical_to_its_description(name: str, more: set[str], less: set[str]) -> None:
    known = MODELS.find(name)
    there = Processor("x86_64", known.vendor, (known.features | more) - less)
    described = describe(there, MODELS)
    assert described is not None
    assert compare(there, described, MODELS).result is CPUCompareResult.IDENTICAL
