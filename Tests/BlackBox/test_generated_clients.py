"""The OpenAPI document as those read it who make clients of it: without a complaint, and to a client that works."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from conftest import StartServer
from ovation import COMMAND_SECONDS, DEFAULT_SECTION, EMAIL, Client, Server

Json = Any
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def document(server: Server) -> Json:
    return server.client().get("/openapi.json").json()


@pytest.fixture(scope="module")
def document_file(document: Json, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_text(json.dumps(document))
    return path


def run_quietly(*command: str | Path, allowed: tuple[str, ...] = ()) -> str:
    """Runs a generator, which must not complain: what it prints is its usual words and nothing else."""
    result = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        # Where its own programs are, such as formatters; and warnings of Python are words like others.
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1", "COLUMNS": "1000"},
    )
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    words = [line for line in output.splitlines() if line.strip()]
    unusual = [line for line in words if not line.startswith(allowed or ("\0",))]
    assert not unusual, "\n".join(unusual)
    return output


def modules_of(folder: Path, name: str) -> list[str]:
    """Imports a generated package whole, and gives the names of its modules."""
    sys.path.insert(0, str(folder))
    try:
        package = importlib.import_module(name)
        names = [module.name for module in pkgutil.walk_packages(package.__path__, name + ".")]
        for module in names:
            importlib.import_module(module)
        return names
    finally:
        sys.path.remove(str(folder))


def operations(document: Json) -> dict[str, Json]:
    return {
        operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()
    }


def snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)


# MARK: Generators


@pytest.fixture(scope="module")
def generated(document_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], ModuleType]]:
    """A client by openapi-python-client; called with the name of a module of it."""
    folder = tmp_path_factory.mktemp("client")
    run_quietly(
        BIN / "openapi-python-client",
        *("generate", "--path", document_file, "--output-path", folder / "ovation_client"),
        *("--meta", "none", "--fail-on-warning"),
        allowed=("Generating ",),
    )
    sys.path.insert(0, str(folder))
    yield lambda name: importlib.import_module(f"ovation_client.{name}")
    sys.path.remove(str(folder))


def test_openapi_python_client_makes_a_function_of_every_operation_under_its_own_name(
    document: Json, generated: Callable[[str], ModuleType]
) -> None:
    folder = Path(generated("api").__path__[0])
    names = modules_of(folder.parents[1], "ovation_client")
    made = {name.rsplit(".", 1)[1] for name in names if name.count(".") == 3}
    assert made == {snake(name) for name in operations(document)}
    classes = set(dir(generated("models")))
    assert {"PostEvents", "EventType", "Problem", "ProblemCode", "NewAPIKey"} <= classes


def test_datamodel_code_generator_makes_models(document: Json, document_file: Path, tmp_path: Path) -> None:
    run_quietly(
        BIN / "datamodel-codegen",
        *("--input", document_file, "--input-file-type", "openapi", "--output", tmp_path / "ovation_models.py"),
        *("--output-model-type", "pydantic_v2.BaseModel", "--formatters", "builtin"),
    )
    sys.path.insert(0, str(tmp_path))
    try:
        models = importlib.import_module("ovation_models")
    finally:
        sys.path.remove(str(tmp_path))
    schemas = document["components"]["schemas"]
    for name in ("PostEvents", "FullEventType", "Rejections", "Problem", "APIKey"):
        model = getattr(models, name)
        for example in schemas[name]["examples"]:
            assert model.model_validate(example), name


def test_openapi_python_generator_makes_services(document: Json, document_file: Path, tmp_path: Path) -> None:
    run_quietly(
        BIN / "openapi-python-generator",
        *(document_file, tmp_path / "ovation_services"),
        allowed=("Generating data from ",),
    )
    names = modules_of(tmp_path, "ovation_services")
    services = [sys.modules[name] for name in names if name.startswith("ovation_services.services.")]
    for name in operations(document):
        assert any(hasattr(service, name) for service in services), name


def test_the_document_is_valid_openapi(document_file: Path) -> None:
    output = run_quietly(BIN / "openapi-spec-validator", document_file, allowed=(str(document_file),))
    assert output.strip().endswith(": OK")


# MARK: Examples


def test_every_example_fits_its_schema(document: Json) -> None:
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    registry: Registry[Json] = Registry().with_resource("urn:ovation", resource)

    def check(schema: Json, example: Json, place: str) -> None:
        # References lead into the whole document.
        absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:ovation#/'))
        validator = OAS31Validator(absolute, registry=registry, format_checker=OAS31Validator.FORMAT_CHECKER)
        errors = [error.message for error in validator.iter_errors(example)]
        assert not errors, f"{place}: {errors}"

    schemas = document["components"]["schemas"]
    assert len(schemas) > 60
    for name, schema in schemas.items():
        assert schema["examples"], name
        for example in schema["examples"]:
            check({"$ref": f"#/components/schemas/{name}"}, example, name)
            # A schema that took everything would take this too.
            if schema["type"] == "object" and schema.get("required"):
                with pytest.raises(AssertionError):
                    check({"$ref": f"#/components/schemas/{name}"}, {}, name)
    parameters = 0
    for name, operation in operations(document).items():
        for parameter in operation.get("parameters", []):
            check(parameter["schema"], parameter["example"], f"{name} {parameter['name']}")
            parameters += 1
    assert parameters > 60


# MARK: The client at work


def test_a_generated_client_fetches_a_token_posts_an_event_and_reads_it_back(
    start_server: StartServer, generated: Callable[[str], ModuleType]
) -> None:
    server = start_server()
    own = Client(server.url, server.credentials)
    made = own.make_event_type({"cups": "integer", "barista": "string"}, name="coffee sold")
    client_module, models = generated("client"), generated("models")

    open_client = client_module.Client(base_url=server.url)
    token = generated("api.tokens.create_token").sync(
        client=open_client,
        body=models.TokenRequest(
            grant_type="client_credentials",
            client_id=server.credentials.client_id,
            client_secret=server.credentials.client_secret,
        ),
    )
    assert token.token_type == "Bearer"
    form = generated("api.tokens.create_token").sync(
        client=open_client,
        body=models.TokenForm(
            grant_type="client_credentials",
            client_id=server.credentials.client_id,
            client_secret=server.credentials.client_secret,
        ),
    )
    assert form.expires_in == 86_400
    client = client_module.AuthenticatedClient(base_url=server.url, token=token.access_token)

    types = generated("api.event_types.list_event_types").sync(
        DEFAULT_SECTION, client=client, include_keyspace_permissions=True
    )
    event_type = next(item for item in types.items if item.discriminator == made["discriminator"])
    version = next(version for version in event_type.versions if version.deprecated_at is None)
    assert version.type_["cups"] == models.FieldType.INTEGER

    time = datetime(2020, 10, 14, 9, 43, 34, 471_000, tzinfo=UTC)
    post = generated("api.events.post_events")
    event = models.PostedEvent(
        event_time=time, version_id=version.id, data=models.PostedEventData.from_dict({"cups": 2, "barista": "Ada"})
    )
    answer = post.sync_detailed(
        EMAIL, "steve@apsis.com", DEFAULT_SECTION, client=client, body=models.PostEvents(items=[event])
    )
    assert answer.status_code == 204

    page = generated("api.events.list_events").sync(
        EMAIL,
        "steve@apsis.com",
        DEFAULT_SECTION,
        client=client,
        event_discriminators=[made["discriminator"]],
        from_=time,
        to=time + timedelta(seconds=1),
    )
    assert [(item.event_time, item.version_id, item.data.to_dict()) for item in page.items] == [
        (time, version.id, {"cups": 2, "barista": "Ada"})
    ]
    assert page.next_cursor is None


def test_a_generated_client_reads_why_it_was_refused(
    start_server: StartServer, generated: Callable[[str], ModuleType]
) -> None:
    server = start_server()
    own = server.client()
    made = own.make_event_type({"cups": "integer"})
    models = generated("models")
    client = generated("client").AuthenticatedClient(base_url=server.url, token=own.token)
    event = models.PostedEvent(
        event_time=datetime(2020, 10, 14, tzinfo=UTC),
        version_id=made["versions"][0]["id"],
        data=models.PostedEventData.from_dict({"cups": "two"}),
    )
    body = models.PostEvents(items=[event])
    post = generated("api.events.post_events").sync
    problem = post(EMAIL, "steve@apsis.com", DEFAULT_SECTION, client=client, body=body)
    assert problem.status == 400 and problem.code == models.ProblemCode.VALIDATION_FAILED
    assert problem.errors[0].code == models.ProblemCode.WRONG_TYPE
    report = post(
        EMAIL,
        "steve@apsis.com",
        DEFAULT_SECTION,
        client=client,
        body=body,
        prefer=models.PostEventsPrefer.HANDLINGLENIENT,
    )
    assert (report.accepted, report.refused) == (0, 1)
    assert report.items[0].errors[0].pointer == "/items/0/data/cups"
    # A code of a server that knows more than the client does is a text, and no mistake.
    future = models.Problem.from_dict({**problem.to_dict(), "code": "made_tomorrow"})
    assert future.code == "made_tomorrow"


def test_a_bulk_upload_goes_through_a_generated_client(
    start_server: StartServer, generated: Callable[[str], ModuleType]
) -> None:
    server = start_server()
    own = server.client()
    version = own.make_event_type({"cups": "integer"})["versions"][0]["id"]
    models = generated("models")
    client = generated("client").AuthenticatedClient(base_url=server.url, token=own.token)
    lines = [
        models.BulkLine(
            keyspace=EMAIL,
            profile_key=f"guest{number}@apsis.com",
            event_time=datetime(2020, 10, 14, tzinfo=UTC),
            version_id=version,
            data=models.BulkLineData.from_dict({"cups": number}),
        )
        for number in range(3)
    ]
    body = "\n".join(json.dumps(line.to_dict()) for line in lines).encode()
    summary = generated("api.events.load_events").sync(
        DEFAULT_SECTION, client=client, body=generated("types").File(payload=BytesIO(body))
    )
    assert (summary.lines, summary.stored, summary.errors) == (3, 3, [])
