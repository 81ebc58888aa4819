"""`convscope serve --api`: the API without the page, and without torch where the bundles have graphs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from ..bundle_config import bundled_names
from ..errors import Interrupted, UsageError, printable
from ..predictor import Predictor, find_predictor, open_predictor
from ..quickest import SERVICE, quickest
from ..run_folder import run_of_bundle
from ..sessions import ONNX_RUNTIME
from ..target import Target, as_target
from .api.answering import GraphAnswering
from .api.app import create_api
from .api.hosting import Hosted, Hosting
from .http.json_log import log_as_json
from .http_server import HttpServer
from .listening import address_of, listen
from .options import ServeOptions
from .workers import Made, Workers

log = logging.getLogger("convscope")


def serve_api(
    targets: Sequence[str | Target] = (), options: ServeOptions | None = None, echo: Callable[[str], None] = print
) -> None:
    """Serve the API until a signal arrives, then finish open requests and raise Interrupted.

    As `server.serve`, but in `options.workers` processes, each with its own copy of the classifiers.
    """
    options = options or ServeOptions()
    access = options.access()
    settled = [as_target(target) for target in targets]
    listening = listen(options.host, options.port)
    url = address_of(listening) + access.prefix

    def say(names: Sequence[str]) -> None:
        echo(f"{', '.join(names[: max(len(settled), 1)])} at {url}")
        echo(f"{url}/docs describes the API; press Ctrl-C to stop")
        options.warn()

    make = Maker(settled, options)
    if options.workers > 1:
        exit_code = Workers(options.workers, make, listening).run(say)
    else:
        made = make()
        say(made.names)
        for hosted in made.hosting.by_id.values():
            if hosted.is_loaded() and (runtime := hosted.find().runtime) not in (ONNX_RUNTIME, "torch"):
                echo(f"{runtime} computes {hosted.id}")
        exit_code = made.run(listening)
    if exit_code:
        raise Interrupted("stopped", exit_code)


@dataclass(frozen=True)
class Maker:
    """Makes the service in whichever process calls it."""

    targets: Sequence[Target]
    options: ServeOptions

    def __call__(self) -> Made:
        """Return the service with all its classifiers loaded."""
        hosting = hosting_of(self.targets, self.options)
        if self.options.log_format == "json":
            log_as_json()
        server = HttpServer(create_api(hosting, self.options.access()), hosting.reload)
        hosting.is_stopping = lambda: server.should_exit
        return Made(hosting, server)


def hosting_of(targets: Sequence[Target], options: ServeOptions) -> Hosting:
    """Return the classifiers that targets mean, else the bundled ones: by ONNX Runtime if all have graphs, or torch.

    ModelFileError if there is no such classifier, or if it needs torch and that is not installed.
    """
    targets = targets or [Target(name) for name in bundled_names()]
    predictors, without = _predictors(targets, options.device)
    if predictors and without is None:
        hosted = [_hosted(name, *given) for name, given in _named(predictors).items()]
        return Hosting(hosted, hosted[0].id, options.limits)
    if find_spec("torch") is None:
        for target in targets:
            open_predictor(target.source)  # says what is missing
        raise UsageError("serve --api: name a run or a bundle that was exported, or install torch")
    from ..devices import choose_device
    from .classifiers import Registry
    from .network_answering import hosted_of

    registry = Registry(targets, choose_device(options.device))
    if without is not None:
        log.warning("%s is answered by torch: `convscope export` makes the graph that needs none", printable(without))
    return Hosting([hosted_of(served) for served in registry.by_id.values()], registry.current, options.limits)


def _predictors(targets: Sequence[Target], device: str) -> tuple[list[tuple[str, Predictor]], str | None]:
    """Return source and predictor of each target, up to the first source without a graph or for another device."""
    found: list[tuple[str, Predictor]] = []
    for target in targets:
        predictor = find_predictor(target.source) if not target.given() and device in ("auto", "cpu") else None
        if predictor is None:
            return found, target.source
        found.append((target.source, predictor))
    return found, None


def _named(predictors: Sequence[tuple[str, Predictor]]) -> dict[str, tuple[str, Predictor]]:
    """Return predictors by the name of their run or bundle, with a number where that is taken."""
    named: dict[str, tuple[str, Predictor]] = {}
    for source, predictor in predictors:
        run = run_of_bundle(predictor.bundle)
        path = run.path if run else predictor.bundle
        name = printable(path.resolve().name) or "classifier"
        numbered = (f"{name}-{number}" for number in range(2, len(named) + 3))
        named[next(free for free in [name, *numbered] if free not in named)] = source, predictor
    return named


def _warm(predictor: Predictor) -> GraphAnswering:
    answering = GraphAnswering(quickest(predictor, SERVICE))
    answering.warm_up()
    return answering


def _hosted(name: str, source: str, predictor: Predictor) -> Hosted:
    current = [_warm(predictor)]

    def load() -> None:
        current[0] = _warm(open_predictor(source))

    return Hosted(name, lambda: current[0], load, lambda: True)
