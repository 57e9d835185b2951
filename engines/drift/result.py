"""What a drift comparison answers: plain frozen values that turn into JSON as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["drift", "detectable_but_negligible", "no_evidence", "insufficient_data"]
Kind = Literal["numeric", "categorical", "text", "embedding", "time"]


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test on one column: its name, statistic and p value in [0, 1] under "nothing changed"."""

    __test__ = False

    name: str
    statistic: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Effects:
    """How large the change is, whatever the number of rows; ``None`` where not defined.

    Attributes
    ----------
    ks_distance : float or None
        Largest gap between the two distribution functions, 0..1 (numeric).
    auc_shift : float or None
        P(current > reference) + half of ties, less one half; -0.5..0.5 (numeric).
    wasserstein_iqr : float or None
        Mean distance moved, in units of the reference interquartile range (numeric).
    cramers_v : float or None
        Bias-corrected V, scaled to equal sample sizes; 0..1 (categorical).
    psi : float or None
        Population stability index over reference deciles or categories; 0 upwards.
    jensen_shannon : float or None
        Square root of the Jensen-Shannon divergence in bits; 0..1.
    mean_shift_iqr : float or None
        Difference of means (current less reference) in reference interquartile ranges (numeric).
    auc : float or None
        Held-out area under the curve of a reference/current classifier (text, embedding).
    """

    ks_distance: float | None = None
    auc_shift: float | None = None
    wasserstein_iqr: float | None = None
    cramers_v: float | None = None
    psi: float | None = None
    jensen_shannon: float | None = None
    mean_shift_iqr: float | None = None
    auc: float | None = None


@dataclass(frozen=True, slots=True)
class Histogram:
    """Both distributions over the same cells, ready to draw.

    Attributes
    ----------
    edges : tuple of float
        Cell borders, one more than cells; empty for categories. The outer cells hold the tails.
    labels : tuple of str
        Category names; empty for numbers. ``"(other)"`` gathers the rest.
    reference, current : tuple of float
        Share of the non-missing rows in each cell; each sums to 1.
    """

    edges: tuple[float, ...]
    labels: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """The comparison of one column.

    Attributes
    ----------
    name, kind : str
        Column name; ``numeric``, ``categorical``, ``text``, ``embedding`` or ``time``.
    outcome : str
        ``drift``: rejected and large enough; ``detectable_but_negligible``: rejected, below the
        gate; ``no_evidence``: not rejected; ``insufficient_data``: not tested, see `reason`.
    reason : str
        One sentence that explains the outcome.
    n_reference, n_current : int
        Non-missing rows compared.
    missing_reference, missing_current, missing_change : float
        Share of missing rows (null, NaN or infinite), and current less reference.
    tests : tuple of TestResult
        Every test made, the missing-share test included.
    p_value, q_value : float or None
        Combined p value of the column; Benjamini-Hochberg adjusted over the columns.
    effect_name, effect, gate : str, float, float
        The effect that decided, and the size below which a change is called negligible.
    effects : Effects
        All effect sizes.
    severity : float
        0..1, higher is worse; 0 unless the change was detected.
    minimum_detectable_effect : float or None
        Smallest effect (in units of `effect_name`) found with probability 0.8 at these sizes.
    minimum_detectable_shift_sd : float or None
        The same as a shift of a normal mean in standard deviations (numeric).
    new_categories, vanished_categories : tuple of str
        Values seen on one side only, most frequent first (at most 20 each).
    new_category_share : float
        Share of current rows whose value the reference never showed.
    histogram : Histogram or None
        Both distributions for drawing.
    """

    name: str
    kind: Kind
    outcome: Outcome
    reason: str
    n_reference: int
    n_current: int
    missing_reference: float
    missing_current: float
    missing_change: float
    tests: tuple[TestResult, ...] = ()
    p_value: float | None = None
    q_value: float | None = None
    effect_name: str = ""
    effect: float = 0.0
    gate: float = 0.0
    effects: Effects = Effects()
    severity: float = 0.0
    minimum_detectable_effect: float | None = None
    minimum_detectable_shift_sd: float | None = None
    new_categories: tuple[str, ...] = ()
    vanished_categories: tuple[str, ...] = ()
    new_category_share: float = 0.0
    histogram: Histogram | None = None


@dataclass(frozen=True, slots=True)
class Driver:
    """What moved: one column or a pair of columns, with its share of the evidence in 0..1."""

    columns: tuple[str, ...]
    weight: float
    reference: float | None = None
    current: float | None = None


@dataclass(frozen=True, slots=True)
class JointDrift:
    """A test over several columns at once; outcome and severity read as in `ColumnDrift`."""

    name: str
    outcome: Outcome
    reason: str
    n_reference: int
    n_current: int
    statistic: float | None = None
    p_value: float | None = None
    effect_name: str = ""
    effect: float = 0.0
    gate: float = 0.0
    severity: float = 0.0
    drivers: tuple[Driver, ...] = ()


@dataclass(frozen=True, slots=True)
class SliceDrift:
    """One segment (`column` == `value`) compared with the same segment of the reference.

    `share_reference` and `share_current` are the segment's shares of all rows; `drifted` names the
    columns that moved inside it; `score` reads as `DriftReport.score`.
    """

    column: str
    value: str
    outcome: Outcome
    reason: str
    n_reference: int
    n_current: int
    share_reference: float
    share_current: float
    score: float
    p_value: float | None = None
    q_value: float | None = None
    drifted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The whole comparison.

    Attributes
    ----------
    status : str
        The worst outcome that was reached over columns and joint tests.
    score : float or None
        0..1, lower is better: a documented map of effect sizes, never of p values; ``None`` when
        nothing could be tested.
    summary : str
        One sentence.
    columns, joint, slices : tuple
        Results per column (worst first), per joint test, per segment.
    drifted_columns, new_columns, missing_columns : tuple of str
        Columns that drifted; only in the current data; only in the reference.
    n_reference, n_current : int
        Rows given.
    false_discovery_rate : float
        Nominal rate for the whole report when nothing changed.
    method : str
        Which path produced the numbers: ``exact``, ``profile`` or ``sketch``.
    """

    status: Outcome
    score: float | None
    summary: str
    columns: tuple[ColumnDrift, ...]
    joint: tuple[JointDrift, ...]
    slices: tuple[SliceDrift, ...]
    drifted_columns: tuple[str, ...]
    new_columns: tuple[str, ...]
    missing_columns: tuple[str, ...]
    n_reference: int
    n_current: int
    false_discovery_rate: float
    method: str

    def column(self, name: str) -> ColumnDrift:
        """Return the result of one column; raise ``KeyError`` when it was not compared."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
