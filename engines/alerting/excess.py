"""How surprising it is that so many of a few new rows show something rare."""

from __future__ import annotations

from engines.errors import EngineError, InsufficientData
from engines.sentence import say


def excess_p_value(count: int, rows: int, usual_count: float, usual_rows: float) -> float:
    """Return the chance of `count` or more in `rows` when nothing changed, in [0, 1].

    Parameters
    ----------
    count, rows : int
        New rows that show it, and new rows; ``0 <= count <= rows``, `rows` above 0.
    usual_count, usual_rows : float
        The same of the past; `usual_rows` above 0.

    Returns
    -------
    float
        One-sided p value; smaller is more surprising.

    Raises
    ------
    EngineError
        When a count is negative or above its rows.
    InsufficientData
        When either side has no rows.

    Notes
    -----
    H0: each new row shows it independently with the past's share. The share is taken as
    ``(usual_count + 1) / (usual_rows + 2)`` (Laplace), so that what was never seen in n rows is
    held possible. Rows that come in bursts break independence and make the p value too small:
    alert on size as well.

    Examples
    --------
    >>> round(excess_p_value(3, 3, 0, 8), 6)
    0.001
    >>> excess_p_value(0, 12, 5, 100)
    1.0

    References
    ----------
    Clopper and Pearson (1934), The use of confidence or fiducial limits illustrated in the case of
    the binomial, Biometrika 26, 404-413 (the exact binomial tail).
    """
    if min(rows, usual_rows) <= 0:
        raise InsufficientData(
            say(
                "reasons.share_needs_rows",
                "a share needs rows on both sides, got {now, number} and {before, number}",
                now=rows,
                before=usual_rows,
            )
        )
    if not (0 <= count <= rows and 0 <= usual_count <= usual_rows):
        raise EngineError(
            f"counts must be 0 to their rows, got {count} of {rows} and "
            f"{usual_count} of {usual_rows}"
        )
    from scipy.special import bdtrc

    share = (usual_count + 1.0) / (usual_rows + 2.0)
    return 1.0 if count == 0 else float(bdtrc(count - 1, rows, share))
