"""Every scene of the story, as `make demo` tells it."""

import pytest

from local.story import SCENES, Scene, Stage

pytestmark = pytest.mark.platform


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_scene_ends_as_the_story_says(stage: Stage, scene: Scene) -> None:
    seen = scene.play(stage)
    assert seen.as_expected, f"expected {scene.expected}, saw {seen.text}"
