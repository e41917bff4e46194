"""A ledger with what a notebook asks of it: tables, the draws themselves, figures."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcstudy.defaults import EXECUTOR, OUT, PROFILES, SEED
from mcstudy.exceptions import InputError
from mcstudy.ledger import Ledger
from mcstudy.scenarios import Where
from mcstudy.words import nearest, said

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from mcstudy.engine.executors import Executor
    from mcstudy.engine.progress import Progress
    from mcstudy.findings import Cell
    from mcstudy.measured import MeasureCell, Measured
    from mcstudy.study import Study

__all__ = ["Results", "load", "run"]

WORST = ("worst_low", "worst_high")  # columns of a frame that has missing values


def run(
    study: Study,
    *,
    profile: str = PROFILES[0],
    seed: int = SEED,
    jobs: int | None = None,
    executor: str | Executor = EXECUTOR,
    out: str | Path | None = OUT,
    fresh: bool = False,
    until: str | None = None,
    at_most: float | None = None,
    replicates: int | None = None,
    retry_failures: bool = False,
    block_timeout: float | None = None,
    progress: Progress | None = None,
) -> Results:
    """Run a study: draw what is missing, judge its claims, write its report.

    Parameters
    ----------
    study : Study
    profile : {"quick", "full"}
        Quick stops drawing where every claim is decided; full draws all replicates.
    seed : int
        A non-negative whole number.
    jobs : int, optional
        Worker processes; default: all cores. Never changes a result.
    executor : {"joblib", "serial", "dask"}, address or Executor
        Where blocks are drawn; an address is that of a Dask scheduler, such as ``tcp://host:8786``. Never changes a
        result.
    out : path, optional
        The folder for the report, the ledger and the journal; None keeps everything in memory.
    fresh : bool
        Drop what an earlier run has drawn instead of resuming it.
    until : "decided", optional
        Go on beyond the profile's replicates until every claim is decided that draws can decide.
    at_most : float, optional
        With `until`, the seconds after which to stop: no block is begun that would probably end later.
    replicates : int, optional
        So many of every scenario, in whole blocks, in the place of the profile's.
    retry_failures : bool
        Draw the blocks again in which replicates have failed. Those whose worker died are drawn again anyway.
    block_timeout : float, optional
        The seconds after which a block is given up, as a failure. Compiled code is not interrupted.
    progress : Progress, optional
        What to show meanwhile; default: nothing.

    Returns
    -------
    Results

    Raises
    ------
    StudyError, ClaimError
        If `simulate` breaks a rule, or a claim reads a column that it does not return.
    JournalError
        If the draws in `out` depend on something else, or another run writes there.
    InputError
        If an argument breaks a rule, or `out` can't be written.
    """
    from mcstudy.engine.run import run as draw_and_judge
    from mcstudy.engine.source import Origin
    from mcstudy.study import Study

    if not isinstance(study, Study):
        msg = f"`study` must be a Study, got {said(study)}; a file is run by `mcstudy run FILE`"
        raise InputError(msg)
    ledger = draw_and_judge(
        Origin(study),
        profile=profile,
        seed=seed,
        jobs=jobs,
        executor=executor,
        out=out,
        fresh=fresh,
        until=until,
        at_most=at_most,
        replicates=replicates,
        retry_failures=retry_failures,
        block_timeout=block_timeout,
        progress=progress,
    )
    return Results.of(ledger, None if out is None else Path(out).resolve() / study.name)


def load(folder: str | Path) -> Results:
    """Read what a run has written.

    Parameters
    ----------
    folder : path
        A study's folder in the output, such as ``reports/linearization``, or its ``ledger.json``.

    Raises
    ------
    InputError
        If there is no ledger, or one that can't be read.
    """
    from mcstudy.report import read_ledger

    path = Path(folder)
    file = path if path.suffix == ".json" else path / "ledger.json"
    if not file.is_file():
        there = sorted(found.parent.name for found in path.glob("*/ledger.json")) if path.is_dir() else []
        beside = sorted(found.parent.name for found in path.absolute().parent.glob("*/ledger.json"))
        hint = f"there are {', '.join(there)} in it" if there else nearest(path.name, beside).rstrip()
        msg = f"`folder` must have a ledger.json, got {folder}; {hint or 'run the study first'}"
        raise InputError(msg)
    return Results.of(read_ledger(file), file.resolve().parent)


@dataclass(frozen=True, repr=False)
class Results(Ledger):
    """A ledger that can be looked at.

    Attributes
    ----------
    folder : Path or None
        Where the run has written; None where it kept everything in memory.
    """

    folder: Path | None = None

    @staticmethod
    def of(ledger: Ledger, folder: Path | None) -> Results:
        """The results of a run."""
        return Results(**{item.name: getattr(ledger, item.name) for item in fields(Ledger)}, folder=folder)

    def frame(self) -> pd.DataFrame:
        """All cells of all claims, then those of all measures.

        Returns
        -------
        DataFrame
            Columns claim (the id of a claim or a measure), the factors, estimate, mcse, low, high, theory, verdict,
            replicates; where replicates have no value also worst_low and worst_high, which the estimate can't leave
            whatever they would have shown. A measure has its target as theory, and neither limits nor a verdict.
        """
        import pandas as pd

        claimed = [_claimed(finding.id, cell) for finding in self.findings for cell in finding.cells]
        measured = [_measured(measured.id, cell) for measured in self.measures for cell in measured.cells]
        table = pd.DataFrame(claimed + measured)
        numbers = ["estimate", "mcse", "low", "high", "theory", "verdict", "replicates"]
        numbers += [name for name in WORST if name in table.columns]
        factors = [name for name in table.columns if name not in {"claim", *numbers}]
        return table.reindex(columns=["claim", *factors, *numbers])

    def draws(self, *columns: str, experiment: str | None = None, where: Where = None) -> pd.DataFrame:
        """The replicates that the findings of an experiment rest on.

        Parameters
        ----------
        *columns : str
            Default: all columns of the experiment.
        experiment : str, optional
            Its name; may be left out where there is only one.
        where : mapping or callable, optional
            Which scenarios: see a claim's `where`.

        Returns
        -------
        DataFrame
            The factors, block, replicate and the columns; NaN where a replicate failed or has no value.

        Raises
        ------
        InputError
            If there is no such column, experiment or scenario, or nothing was kept on disk.
        """
        from mcstudy.results.tables import drawn

        return drawn(self, self.folder, columns, experiment, where)

    def plot(self, claim_id: str, *, axes: Axes | None = None, width: str = "6.4in") -> Axes:
        """Draw the figure of a claim or of a measure, onto given axes or new ones.

        Parameters
        ----------
        claim_id : str
            Of a claim, or of a measure whose id no claim has.
        axes : Axes, optional
            A measure that makes several panels is drawn onto given ones with more lines instead.
        width : str
            Of the figure of new axes: ``"3.3in"``, ``"84mm"``, ``"240pt"``.

        Returns
        -------
        Axes
            The first with data, where the figure has several.

        Raises
        ------
        InputError
            If there is no such claim or measure, or no such width.
        """
        from matplotlib.figure import Figure

        from mcstudy.report.kinds import kind_of
        from mcstudy.report.paper import inches

        measures = {measured.id: measured for measured in self.measures}
        if claim_id in measures.keys() - set(self):
            return _plot_measure(measures[claim_id], axes, inches(width))
        if claim_id not in self and measures:
            names = dict.fromkeys([*self, *measures])
            hint = nearest(claim_id, names).rstrip()
            msg = f"`claim_id` must be one of {', '.join(names)}, got {claim_id!r}{hint and '; '}{hint}"
            raise InputError(msg)
        finding = self[claim_id]
        kind = kind_of(finding.kind)
        if axes is None:
            height = kind.heights(finding)[0]
            size = (inches(width), max(2.0, height))
            axes = Figure(figsize=size, layout="constrained").add_subplot()
        kind.draw(axes, finding)
        return axes

    def __repr__(self) -> str:
        unexpected = [
            f"{finding.id} {finding.verdict}" for finding in self.findings if not finding.as_expected
        ]
        more = f", {len(unexpected) - 3} more" if len(unexpected) > 3 else ""
        listed = f"{len(unexpected)} not as expected ({', '.join(unexpected[:3])}{more})"
        return f"<Results of {self.study.name}: {len(self)} claims, {listed if unexpected else 'all as expected'}>"

    def _repr_html_(self) -> str:
        """A table of the claims, for notebooks."""
        from mcstudy.report.kinds import kind_of
        from mcstudy.report.mathematics import statement_html

        rows = "".join(
            _row(
                finding.id,
                statement_html(finding.statement),
                *kind_of(finding.kind).summary(finding),
                str(finding.verdict),
            )
            for finding in self.findings
        )
        head = "".join(
            f"<th>{name}</th>" for name in ("claim", "statement", "found", "how sure", "allowed", "verdict")
        )
        title = html.escape(self.study.title)
        return f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _claimed(claim_id: str, cell: Cell) -> dict[str, Any]:
    """A row of the frame."""
    return _numbers(claim_id, cell) | {
        "low": cell.interval[0],
        "high": cell.interval[1],
        "theory": cell.theory,
        "verdict": str(cell.verdict),
    }


def _measured(measure_id: str, cell: MeasureCell) -> dict[str, Any]:
    """A row of the frame, of a measure."""
    return _numbers(measure_id, cell) | {"theory": cell.aim, "verdict": ""}


def _numbers(name: str, cell: Cell | MeasureCell) -> dict[str, Any]:
    return {
        "claim": name,
        **cell.scenario,
        "estimate": cell.estimate,
        "mcse": cell.mcse,
        "replicates": cell.replicates,
        **dict(zip(WORST, cell.worst_case or (), strict=False)),
    }


def _plot_measure(measured: Measured, axes: Axes | None, width: float) -> Axes:
    from mcstudy.report.measures import draw_measure, figure_of

    if axes is not None:
        draw_measure(axes, measured)
        return axes
    figure, _ = figure_of(measured, width)
    return next(one for one in figure.axes if one.axison)  # the legend has axes without an axis


def _row(claim: str, statement: str, *texts: str) -> str:
    cells: Sequence[str] = [html.escape(claim), statement, *map(html.escape, texts)]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
