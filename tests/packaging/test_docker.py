"""What can be seen of the container files without an engine and without network; docker/check.py does the rest."""

import copy
import importlib
import pathlib
import sys

import pytest

DOCKER = pathlib.Path(__file__).parents[2] / "docker"


@pytest.fixture(scope="module")
def dockerfile():
    return _script("dockerfile")


@pytest.fixture(scope="module")
def compose():
    return _script("compose")


def _script(name):
    """Import a script of docker/, which is no package."""
    sys.path.insert(0, str(DOCKER))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(DOCKER))


@pytest.fixture(scope="module")
def stages(dockerfile):
    return dockerfile.parse((DOCKER / "Dockerfile").read_text())


@pytest.fixture
def document(compose):
    return copy.deepcopy(compose.load((DOCKER / "compose.yaml").read_text()))


def test_nothing_is_wrong_with_the_dockerfile(dockerfile, stages):
    assert dockerfile.complaints(stages) == []


def test_the_image_runs_a_worker_as_process_1(stages):
    assert stages[-1].last("CMD").command == ["sqlqueue", "worker"]


def test_the_wheel_is_built_in_a_stage_of_its_own(stages):
    assert [stage.base for stage in stages] == ["python:3.12-slim", "python:3.12-slim"]
    (copied,) = [step for step in stages[-1].steps if step.word == "COPY"]
    assert copied.source_stage == stages[0].name


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("USER 10001:10001", "USER root", "USER root"),
        ("USER 10001:10001", "USER 0", "USER 0"),
        ("STOPSIGNAL SIGTERM", "STOPSIGNAL SIGKILL", "STOPSIGNAL"),
        ("COPY migrations ./migrations", "COPY absent ./migrations", "no absent"),
        ("COPY migrations ./migrations", "COPY tests ./tests", "keeps tests out"),
        ("--from=build", "--from=elsewhere", "no stage elsewhere"),
        ("&& rm *.whl", "&& rm -rf /install", "absolute path"),
    ],
)
def test_a_bad_dockerfile_is_noticed(dockerfile, old, new, what):
    text = (DOCKER / "Dockerfile").read_text()
    assert old in text
    found = dockerfile.complaints(dockerfile.parse(text.replace(old, new)))
    assert any(what in complaint for complaint in found)


@pytest.mark.parametrize("line", ["CMD sqlqueue worker", 'CMD ["sqlqueue", 1]'])
def test_shell_form_is_refused(dockerfile, line):
    (stage,) = dockerfile.parse(f"FROM base\n{line}\n")
    with pytest.raises(ValueError, match="exec form"):
        stage.last("CMD").command  # noqa: B018 - the property raises


def test_an_unknown_instruction_is_refused(dockerfile):
    with pytest.raises(ValueError, match="line 2: VOLUME"):
        dockerfile.parse("FROM base\nVOLUME /data\n")


def test_nothing_is_wrong_with_compose_yaml(compose, document):
    assert compose.complaints(document) == []


def test_what_compose_yaml_names_exists(document):
    for service in document["services"].values():
        if "build" in service:
            assert (DOCKER / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert (DOCKER / "app" / "tasks.py").is_file()


def test_the_worker_waits_for_the_tables(document):
    needs = document["services"]["worker"]["depends_on"]
    assert needs["migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda d: d["services"]["db"]["environment"].update(POSTGRES_PASSWORD="hunter2"), "required variable"),
        (lambda d: d["services"]["db"]["environment"].update(POSTGRES_PASSWORD="${P:-x}"), "required variable"),
        (lambda d: d["services"]["db"].pop("healthcheck"), "no healthcheck"),
        (lambda d: d["services"].pop("migrate"), "no service"),
        (lambda d: d["services"]["worker"].update(comand=["x"]), "'comand' was unexpected"),
        (lambda d: d["services"]["worker"].update(stop_grace_period=60), "not of type 'string'"),
        (lambda d: d.pop("volumes"), "no volume db"),
    ],
)
def test_a_bad_compose_yaml_is_noticed(compose, document, spoil, what):
    spoil(document)
    assert any(what in complaint for complaint in compose.complaints(document))
