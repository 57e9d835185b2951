"""The choices a comparison makes: error budget, gates and sizes."""

from __future__ import annotations

from dataclasses import dataclass

from engines.errors import EngineError


@dataclass(frozen=True, slots=True)
class Policy:
    """How strict a comparison is.

    Attributes
    ----------
    false_discovery_rate : float
        Budget for a report to show anything at all when nothing changed, in (0, 0.5). 0.045:
        5 % less a margin for the approximations; 0.05 measured 4.3 to 6.3 % per 400 null reports.
    joint_share : float
        Part of that rate spent on the joint tests; all goes to the columns when they are off.
    minimum_rows : int
        Non-missing rows per side below which a column is not tested. 20: the normal
        approximations of the rank tests hold from there (Mann & Whitney 1947 show it from 8).
    ks_gate, v_gate, missing_gate, correlation_gate, auc_gate : float
        Sizes below which a detected change is called negligible. 0.02 in distribution functions is
        a shift of a normal mean by 0.05 sd; 0.05 in correlation; AUC 0.52 for classifiers.
    half_ks, half_v, half_missing, half_correlation, half_auc : float
        Effects that map to severity one half. The first two are where PSI reaches 0.1, the
        "moderate change" of credit scoring practice (Siddiqi 2006): D = 0.126, V = 0.158.
    power : float
        Chance of detection that the minimum detectable effect refers to.
    discrete_limit : int
        A numeric column with at most this many distinct values is compared as categories.
    bins : int
        Equal-mass reference bins behind PSI and Jensen-Shannon (10: the credit scoring habit).
    emphasis : float
        Exponent of the power mean that joins column severities; 1 is the plain mean, large values
        approach the worst column. At 4, one ruined column of 35 still gives 0.41.
    joint_rows : int
        Rows per side used by the dependence test.
    classifier_rows : int
        Rows per side used by the domain classifier, half to fit and half to test.
    vector_rows, text_rows : int
        Rows per side used for embedding and text columns.
    """

    false_discovery_rate: float = 0.045
    joint_share: float = 0.5
    minimum_rows: int = 20
    ks_gate: float = 0.02
    v_gate: float = 0.02
    missing_gate: float = 0.01
    correlation_gate: float = 0.05
    auc_gate: float = 0.02
    half_ks: float = 0.126
    half_v: float = 0.158
    half_missing: float = 0.1
    half_correlation: float = 0.3
    half_auc: float = 0.09
    power: float = 0.8
    discrete_limit: int = 20
    bins: int = 10
    emphasis: float = 4.0
    joint_rows: int = 20_000
    classifier_rows: int = 6_000
    vector_rows: int = 1_500
    text_rows: int = 2_000

    def __post_init__(self) -> None:
        if not 0 < self.false_discovery_rate < 0.5:
            raise EngineError(
                f"false_discovery_rate must be in (0, 0.5), got {self.false_discovery_rate}"
            )
        if not 0 <= self.joint_share < 1:
            raise EngineError(f"joint_share must be in [0, 1), got {self.joint_share}")
        if self.minimum_rows < 2:
            raise EngineError(f"minimum_rows must be at least 2, got {self.minimum_rows}")


def severity(effect: float, half: float) -> float:
    """Return ``1 - 2 ** -(effect / half)``: 0 at no effect, one half at `half`, 1 at the limit.

    Examples
    --------
    >>> severity(0.126, half=0.126)
    0.5
    """
    return float(1.0 - 2.0 ** -(max(0.0, effect) / half))
