"""Every scene of the story, as `make demo` tells it."""

import pytest

from local.settings import Settings
from local.story import SCENES, Scene, Stage
from tests.support import Platform

pytestmark = pytest.mark.platform


@pytest.fixture(scope="session")
def stage(platform: Platform) -> Stage:
    settings = Settings.from_environment({"MTLS_LOCAL_DIR": str(platform.state_dir)})
    return Stage.connect(settings, platform.environment)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_scene_ends_as_the_story_says(stage: Stage, scene: Scene) -> None:
    seen = scene.play(stage)
    assert seen.as_expected, f"expected {scene.expected}, saw {seen.text}"
