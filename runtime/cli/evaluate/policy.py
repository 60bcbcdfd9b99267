"""`duplex evaluate policy`: finds the best state policy for a model, and plots the curve that shows why."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

from rich.table import Table

from configs.eval.policy_search import PolicySearchConfig
from duplex.eval.policies.logged_conversations import LoggedConversations
from duplex.eval.policies.plot import lines_of, plot
from duplex.eval.policies.search import Point, Search, searches
from duplex.eval.reports.cells import cells
from duplex.eval.reports.report import write_json, write_text
from duplex.eval.runner import Experiment, limit_groups
from duplex.eval.suite import Facts
from duplex.eval.suites.catalog import SUITES, Sources
from duplex.model.interface import ConversationOptions
from runtime.cli.common import JsonFile, err, out, progress
from runtime.cli.evaluate.options import SourceOptions
from runtime.cli.evaluate.suite_run import describe_run
from runtime.cli.evaluate.system import EngineSystem, ModelChoice
from runtime.cli.option_groups import with_option_groups
from runtime.cli.paths import file

WIDTH = 180
"""Width of a table that is not printed to a terminal, in columns."""
Grid = Annotated[Path | None, file("--grid", help="YAML file with the policies to compare.")]
SCHEMA = 1


@with_option_groups
def command(asked: SourceOptions, grid: Grid = None, json_file: JsonFile = None) -> None:
    """Compare state policies; a conversation is held again only if the policy changes what the model hears."""
    search_config = PolicySearchConfig.from_yaml(grid) if grid else PolicySearchConfig()
    sources, model, limit, jobs = asked.sources(), asked.choice(), asked.limit, asked.jobs
    folder = asked.out / f"policy-{model.file_name}"
    results = {}
    with closing(model.load()) as generator:
        settings = {**model.facts(), **describe_run(sources, generator)}
    for search in searches(search_config):
        conversations = LoggedConversations(
            folder / f"{search.suite}.jsonl", {"suite": search.suite, **settings}, asked.fresh
        )
        points = _points(search, conversations, sources, model, limit, jobs)
        write_text(plot(search, points, f"{model.name}: {search.y} and {search.x}"), folder / f"{search.name}.svg")
        results[search.name] = _values(search, points, conversations)
        _print(search, points, folder)
    report = {"schema": SCHEMA, "settings": settings, "search": search_config.model_dump(mode="json"), **results}
    for path in filter(None, (folder / "policy.json", json_file)):
        write_json(report, path)


def _points(
    search: Search,
    conversations: LoggedConversations,
    sources: Sources,
    model: ModelChoice,
    limit: int | None,
    jobs: int,
) -> list[Point]:
    suite = SUITES[search.suite](sources)
    examples = limit_groups([example for example in suite.examples() if example.group not in search.without], limit)
    options = ConversationOptions(started_at=sources.config.started_at, pattern=model.pattern)
    experiment = Experiment(suite, EngineSystem(model, options), sources.config, sources.seed)
    with progress() as bar:
        task = bar.add_task(f"{search.name}: conversations")
        conversations.have(
            experiment, examples, search.policies, jobs,
            lambda had, missing: bar.update(task, completed=had, total=missing),
        )  # fmt: skip
    return search.points(lambda policy: conversations.all_under(policy, examples))


def _values(search: Search, points: Sequence[Point], conversations: LoggedConversations) -> Facts:
    return {
        "suite": search.suite,
        "conversations": len(conversations),
        "x": search.x,
        "y": search.y,
        "points": [point.to_json() for point in points],
    }


def _print(search: Search, points: Sequence[Point], folder: Path) -> None:
    """Print the points that no other beats, with the best one marked."""
    table = Table(title=f"{search.name} ({len(points)} policies)", title_justify="left")
    for name in ("", "policy", search.x, search.y, *points[0].figures):
        table.add_column(name)
    for point in sorted((point for point in points if point.front or point.best), key=lambda point: point.x):
        numbers = (cells(figure).result for figure in point.figures.values())
        mark, said = "best" if point.best else "", "; ".join(lines_of(point.policy))
        table.add_row(mark, said, f"{point.x:.3g}", f"{point.y:.3g}", *numbers)
    console = out()
    console.width = console.width if console.is_terminal else WIDTH
    console.print(table)
    err().print(f"plot: {folder / f'{search.name}.svg'}")
