"""What a build does with its arguments, and that it does the same twice."""

import pytest

from tests.images.building import BuildError, digest
from tests.images.conftest import Images


@pytest.mark.parametrize("name", ["jupyter", "notebook", "hub", "proxy"])
def test_two_builds_without_a_cache_are_one_image(images: Images, name: str):
    again = images.build(name, "--no-cache", tag=f"localhost/again/{name}")
    assert digest(again) == digest(images.build(name, "--no-cache", tag=f"localhost/once/{name}"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"RSTUDIO_DEB": ""}, "set the build arguments RSTUDIO_DEB"),
        ({"RSTUDIO_SHA256": ""}, "set the build arguments RSTUDIO_DEB"),
        ({"RSTUDIO_SHA256": "0" * 64}, "is not RSTUDIO_SHA256: nothing was installed"),
        ({"RSTUDIO_DEB": "other.deb"}, "there is no file 'other.deb' in images/rstudio"),
        ({"RSTUDIO_DEB": "http://example.org/x.deb"}, "give an https address"),
    ],
)
def test_rstudio_is_not_built_without_its_package(
    images: Images, arguments: dict[str, str], said: str
):
    with pytest.raises(BuildError) as error:
        images.build("rstudio", tag="localhost/unbuilt/rstudio", **arguments)
    assert said in str(error.value)
