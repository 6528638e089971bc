import pytest

from slipway.release import releases


def test_versions_are_ordered_as_semver_says() -> None:
    ordered = [
        "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
        "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.9.0", "1.10.0", "2.0.0",
    ]  # fmt: skip
    assert releases.sorted_versions(reversed(ordered)) == ordered
    assert releases.newest(reversed(ordered)) == "2.0.0"


def test_there_is_no_newest_of_none() -> None:
    assert releases.newest([]) is None


@pytest.mark.parametrize(
    "text", ["1", "1.2", "1.2.3.4", "v1.2.3", "01.2.3", "1.2.3-01", "1.2.3+b", "x" * 70]
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a version"):
        releases.parse_version(text)
