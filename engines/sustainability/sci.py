"""Software carbon intensity: carbon per unit of work, and the share of making the hardware."""

from __future__ import annotations

from engines.errors import EngineError, InsufficientData
from engines.sentence import say

_HOURS_A_YEAR = 365 * 24.0


def score(usage_g: float, embodied_g: float, units: float) -> float:
    """Return g CO2e per functional unit.

    Parameters
    ----------
    usage_g : float
        E times I: g CO2e of the energy used, location-based.
    embodied_g : float
        M: g CO2e of the hardware for the time and share that the software held it.
    units : float
        R: how often the functional unit happened, such as inferences or 1,000 tokens.

    Returns
    -------
    float
        SCI in g CO2e per unit; lower is better.

    Raises
    ------
    InsufficientData
        When there was no unit of work.

    Notes
    -----
    SCI = ((E I) + M) per R. Offsets and market-based contracts are not subtracted, and energy
    that is provisioned but idle belongs to E: a sender that reports busy energy only understates.

    Examples
    --------
    >>> score(900.0, 100.0, 2000)
    0.5

    References
    ----------
    Green Software Foundation (2024). Software Carbon Intensity specification 1.1;
    ISO/IEC 21031:2024.
    """
    if units <= 0:
        raise InsufficientData(
            say("reasons.sci_needs_work", "an SCI score needs at least one unit of work"),
            needed=1,
            got=0,
        )
    return (usage_g + embodied_g) / units


def embodied(
    total_kg: float, reserved_h: float, lifetime_years: float, *, resource_share: float = 1.0
) -> float:
    """Return the g CO2e of making hardware that a piece of work answers for.

    Parameters
    ----------
    total_kg : float
        TE: kg CO2e of making the hardware, above 0.
    reserved_h : float
        Hours that the work held it.
    lifetime_years : float
        Expected years of use, above 0; a year has 365 days.
    resource_share : float
        RS: share (0-1) of the hardware that was held.

    Returns
    -------
    float
        M = TE · TS · RS in g CO2e, TS being the share of the lifetime.

    Raises
    ------
    EngineError
        When the lifetime is not above 0 or the share is outside 0-1.

    Examples
    --------
    A server of 1,000 kg that lives four years, held for one hour:

    >>> round(embodied(1000, 1, 4), 1)
    28.5
    """
    if lifetime_years <= 0 or not 0 <= resource_share <= 1:
        raise EngineError(f"lifetime {lifetime_years} years, share {resource_share}: out of range")
    return total_kg * 1000 * reserved_h / (lifetime_years * _HOURS_A_YEAR) * resource_share
