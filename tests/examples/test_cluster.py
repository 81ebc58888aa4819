"""The files for Slurm and Kubernetes are those of the guide, are well-formed, and call commands that there are."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from convscope.cli import main
from convscope.run_folder import RunFolder
from tests.distributed.launched import ended, launch

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "cluster"
GUIDES = [ROOT / "docs" / language / "guides" / "10-several-machines.md" for language in ("en", "zh")]


def words_of_training(command: list[str]) -> list[str]:
    return command[command.index("convscope") + 1 :]


@pytest.mark.parametrize("guide", GUIDES, ids=["en", "zh"])
@pytest.mark.parametrize("name", ["slurm.sh", "pytorchjob.yaml"])
def test_the_guide_shows_the_files_as_they_are(guide, name):
    assert (FOLDER / name).read_text() in guide.read_text(encoding="utf-8")


def test_slurm_starts_one_torchrun_per_machine(tmp_path):
    """With stand-ins for what only a cluster has: the script hands torchrun the first machine and the job's name."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for name, body in {"srun": 'printf "%s\\n" "$@" >> "$OUT"', "scontrol": "echo first; echo second"}.items():
        (bin_folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (bin_folder / name).chmod(0o755)
    environment = {
        "PATH": f"{bin_folder}:/usr/bin:/bin", "OUT": str(tmp_path / "called"), "SLURM_NNODES": "2",
        "SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "first,second", "SLURM_CPUS_PER_TASK": "64",
    }  # fmt: skip
    subprocess.run(["bash", "-eu", FOLDER / "slurm.sh"], env=environment, check=True)
    called = (tmp_path / "called").read_text().splitlines()
    # Since Slurm 22.05, srun does not take over --cpus-per-task by itself.
    assert (
        called[:5] == ["--cpus-per-task", "64", "torchrun", "--nnodes", "2"]
        and "first:29400" in called
        and "7" in called
    )
    assert main([*words_of_training(called), "--help"]) == 0
    headers = re.findall(r"^#SBATCH (.*)$", (FOLDER / "slurm.sh").read_text(), re.MULTILINE)
    assert "--ntasks-per-node=1" in shlex.split(headers[0])


def test_kubernetes_gets_as_many_processes_as_the_job_has_devices():
    job = yaml.safe_load((FOLDER / "pytorchjob.yaml").read_text())
    assert (job["apiVersion"], job["kind"]) == ("kubeflow.org/v1", "PyTorchJob")
    replicas = job["spec"]["pytorchReplicaSpecs"]
    assert replicas["Master"]["replicas"] == 1 and replicas["Worker"]["template"] == replicas["Master"]["template"]
    container = replicas["Master"]["template"]["spec"]["containers"][0]
    assert container["name"] == "pytorch" and container["resources"]["limits"]["nvidia.com/gpu"] == 1
    lines = [line.split() for line in container["args"][0].splitlines() if "convscope" in line]
    assert len(lines) == 2 and all(main([*words_of_training(line), "--help"]) == 0 for line in lines)


@pytest.mark.slow
def test_pods_that_are_started_anew_go_on(tmp_path):
    """The command of the pods, on two processes of which one is killed, and then again."""
    job = yaml.safe_load((FOLDER / "pytorchjob.yaml").read_text())
    container = job["spec"]["pytorchReplicaSpecs"]["Master"]["template"]["spec"]["containers"][0]
    script = container["args"][0].replace("python ", f"{sys.executable} ").replace("/shared/runs", str(tmp_path))
    script = script.replace("/shared/photos --model resnet50", "digits --model lenet_relu --epochs 120 --augment none")
    words = [*container["command"], script]
    first = launch(words, tmp_path, program=())
    while "epoch " not in (line := first[0].stderr.readline()):
        assert line
    time.sleep(3)
    first[1].kill()
    codes = [code for code, *_ in ended(first)]
    before = len(RunFolder(tmp_path / "photos").read_metrics())
    assert codes == [6, -9] and 0 < before < 120
    results = ended(launch(words, tmp_path, program=()))
    assert [code for code, *_ in results] == [0, 0], results
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
    assert len(RunFolder(tmp_path / "photos").read_metrics()) == 120
