"""Artifacts through the proxy: up, down, listed, with names as users have them."""

import hashlib
import os

import mlflow
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

NAMES = [
    "plain.txt",
    "with space.txt",
    "ünïcode-日本.txt",
    "a+b.txt",
    "x&y=z.txt",
    "it's.txt",
    "semi;colon,comma.txt",
    "(br)[ack]{et}.txt",
    "100%.txt",
    "tilde~.txt",
    "@at!.txt",
    ".hidden",
    "no_suffix",
    "dots..txt",
]


@pytest.mark.parametrize("name", NAMES)
def test_odd_names(client, experiment, tmp_path, name):
    run = client.create_run(experiment).info
    (tmp_path / name).write_text(f"content of {name}")
    client.log_artifact(run.run_id, str(tmp_path / name))
    client.log_artifact(run.run_id, str(tmp_path / name), "sub dir/ü")
    assert [(f.path, f.is_dir) for f in client.list_artifacts(run.run_id)] == sorted([(name, False), ("sub dir", True)])
    assert [f.path for f in client.list_artifacts(run.run_id, "sub dir")] == ["sub dir/ü"]
    assert [f.path for f in client.list_artifacts(run.run_id, "sub dir/ü")] == [f"sub dir/ü/{name}"]
    (tmp_path / "down").mkdir()
    for path in (name, f"sub dir/ü/{name}"):
        local = client.download_artifacts(run.run_id, path, str(tmp_path / "down"))
        with open(local) as f:
            assert f.read() == f"content of {name}"


def test_tree(client, experiment, tmp_path):
    files = {"a.txt": b"a", "d/b.bin": bytes(range(256)), "d/e/c.json": b"{}", "d/e/f/empty": b"", "z/only.txt": b"z" * 1000}
    for path, content in files.items():
        target = tmp_path / "up" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    with mlflow.start_run() as run:
        mlflow.log_artifacts(str(tmp_path / "up"))
        mlflow.log_artifacts(str(tmp_path / "up" / "d"), artifact_path="copy")
    listed = {f.path: (f.is_dir, f.file_size) for f in client.list_artifacts(run.info.run_id)}
    assert listed == {"a.txt": (False, 1), "d": (True, None), "z": (True, None), "copy": (True, None)}
    assert {f.path: f.file_size for f in client.list_artifacts(run.info.run_id, "d/e")} == {"d/e/c.json": 2, "d/e/f": None}
    assert list(client.list_artifacts(run.info.run_id, "nobody")) == []
    local = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="", dst_path=str(tmp_path / "down"))
    found = {}
    for folder, _, names in os.walk(local):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as f:
                found[os.path.relpath(path, local)] = f.read()
    assert found == {**files, **{"copy/" + p[2:]: c for p, c in files.items() if p.startswith("d/")}}
    by_uri = mlflow.artifacts.download_artifacts(artifact_uri=f"runs:/{run.info.run_id}/d/e/c.json", dst_path=str(tmp_path / "one"))
    with open(by_uri) as f:
        assert f.read() == "{}"


def test_overwrite_and_delete(client, experiment, tmp_path):
    with mlflow.start_run() as run:
        mlflow.log_text("first", "t.txt")
        mlflow.log_text("second", "t.txt")
        mlflow.log_text("x", "d/x.txt")
        mlflow.log_text("y", "d/y.txt")
    root = run.info.artifact_uri
    assert mlflow.artifacts.load_text(root + "/t.txt") == "second"
    repository = get_artifact_repository(root)
    repository.delete_artifacts("d/x.txt")
    assert [f.path for f in client.list_artifacts(run.info.run_id, "d")] == ["d/y.txt"]
    repository.delete_artifacts("d")
    assert [f.path for f in client.list_artifacts(run.info.run_id)] == ["t.txt"]


def test_kinds(client, experiment):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np

    figure, axes = plt.subplots()
    axes.plot([1, 2], [3, 4])
    with mlflow.start_run() as run:
        mlflow.log_dict({"a": [1, 2, {"b": None}]}, "config/c.json")
        mlflow.log_dict({"a": 1}, "config/c.yaml")
        mlflow.log_text("größe\n", "t.txt")
        mlflow.log_figure(figure, "plots/f.png")
        mlflow.log_image(np.zeros((4, 4, 3), dtype=np.uint8), "image.png")
        mlflow.log_table(pd.DataFrame({"x": [1, 2], "y": ["a", "b"]}), "table.json")
        mlflow.log_table(pd.DataFrame({"x": [3], "y": ["c"]}), "table.json")
    root = run.info.artifact_uri
    assert mlflow.artifacts.load_dict(root + "/config/c.json") == {"a": [1, 2, {"b": None}]}
    assert mlflow.artifacts.load_text(root + "/t.txt") == "größe\n"
    assert mlflow.artifacts.load_image(root + "/plots/f.png").size[0] > 100
    assert mlflow.artifacts.load_image(root + "/image.png").size == (4, 4)
    assert list(mlflow.load_table("table.json", run_ids=[run.info.run_id])["y"]) == ["a", "b", "c"]


def test_fifty_megabytes(client, experiment, tmp_path):
    block = os.urandom(1 << 20)
    digest = hashlib.sha256()
    with open(tmp_path / "big.bin", "wb") as f:
        for i in range(50):
            piece = block[i:] + block[:i]
            f.write(piece)
            digest.update(piece)
    run = client.create_run(experiment).info
    client.log_artifact(run.run_id, str(tmp_path / "big.bin"))
    assert client.list_artifacts(run.run_id)[0].file_size == 50 << 20
    (tmp_path / "down").mkdir()
    local = client.download_artifacts(run.run_id, "big.bin", str(tmp_path / "down"))
    with open(local, "rb") as f:
        assert hashlib.file_digest(f, "sha256").hexdigest() == digest.hexdigest()


def test_absent_artifact(client, experiment, tmp_path):
    run = client.create_run(experiment).info
    with pytest.raises((MlflowException, OSError)):
        client.download_artifacts(run.run_id, "nobody.txt", str(tmp_path))
