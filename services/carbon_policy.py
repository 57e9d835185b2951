"""What a tenant says of its electricity, facilities and models; the pinned tables stand in for the
rest."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from engines import sustainability
from engines.sustainability import ModelSize, Site, Spread
from services.errors import Invalid
from services.identity import permitted
from services.periods import Period
from services.workspace import Workspace

_KIND = "policy"
_ID = "carbon"


class ModelFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a language model: sizes in billions of parameters."""

    active_b: float | None = None
    total_b: float | None = None
    bits: int = 16
    smaller: str = ""  # a model that could take over


class CarbonBudget(msgspec.Struct, frozen=True):
    """How many grams of CO2e may be emitted in a period."""

    grams: float
    period: Period = "month"


class CarbonPolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that is not telemetry. What is absent comes from the pinned tables.

    `intensity` is location-based, `market` what contracts say, both g CO2e per kWh by region, zone
    or "*". Hourly intensity is sent as the metric `grid_intensity_g_per_kwh` with a label `region`.
    """

    operator: Literal["", "aws", "azure", "gcp"] = ""
    pue: Spread | None = None
    includes_pue: bool = False
    wue_site_l_per_kwh: float | None = None
    wue_mix_l_per_kwh: float | None = None
    intensity: dict[str, float] = {}
    market: dict[str, float] = {}
    models: dict[str, ModelFacts] = {}
    allowed_regions: tuple[str, ...] = ()
    deferrable_share: float = 0.2
    budget: CarbonBudget | None = None

    def site(self) -> Site:
        """Return the facility: the operator's or the general one, with the tenant's figures."""
        found = sustainability.default_site(self.operator)
        return Site(
            pue=self.pue or found.pue,
            wue_site_l_per_kwh=_or(self.wue_site_l_per_kwh, found.wue_site_l_per_kwh),
            wue_mix_l_per_kwh=_or(self.wue_mix_l_per_kwh, found.wue_mix_l_per_kwh),
            server=found.server,
            includes_pue=self.includes_pue,
        )

    def size(self, model_id: str) -> ModelSize | None:
        """Return the size of a language model: the tenant's word, else the maker's."""
        facts = self.models.get(model_id)
        if facts is not None and facts.active_b is not None:
            return ModelSize(facts.active_b, facts.total_b or facts.active_b, bits=facts.bits)
        return sustainability.find_size(model_id)

    def basis(self) -> str:
        """Return a fingerprint of what carbon depends on, tables included."""
        table = sustainability.load_table()["version"]
        core = msgspec.structs.replace(
            self, budget=None, market={}, allowed_regions=(), deferrable_share=0.0
        )
        text = msgspec.json.encode(core, order="sorted") + str(table).encode()
        return hashlib.sha256(text).hexdigest()[:16]


@permitted("carbon:read")
def get_carbon_policy(ws: Workspace) -> CarbonPolicy:
    """Return the tenant's policy; an empty one when nobody set any."""
    record = ws.records.get(_KIND, _ID)
    return msgspec.convert(record.body, CarbonPolicy) if record else CarbonPolicy()


@permitted("carbon:write")
def set_carbon_policy(ws: Workspace, policy: CarbonPolicy) -> CarbonPolicy:
    """Replace the policy; kept history is computed anew from it within minutes."""
    problem = _problem(policy)
    if problem:
        raise Invalid(problem)
    ws.records.put(_KIND, _ID, msgspec.to_builtins(policy))
    ws.cache.invalidate(f"{ws.tenant}/carbon")
    return policy


def _or(own: float | None, table: float) -> float:
    return table if own is None else own


def _problem(policy: CarbonPolicy) -> str:
    figures = [*policy.intensity.values(), *policy.market.values()]
    if any(not 0 <= value <= 3_000 for value in figures):
        return "an intensity is 0 to 3000 g per kWh"
    pue = policy.pue
    if pue is not None and not 1 <= pue.low <= pue.central <= pue.high <= 10:
        return "pue: 1 <= low <= central <= high <= 10"
    water = (policy.wue_site_l_per_kwh, policy.wue_mix_l_per_kwh)
    if any(value is not None and not 0 <= value <= 100 for value in water):
        return "water use is 0 to 100 litres per kWh"
    if not 0 <= policy.deferrable_share <= 1:
        return "deferrable_share is a share from 0 to 1"
    if policy.budget is not None and policy.budget.grams <= 0:
        return "a carbon budget is above 0 grams"
    for model_id, facts in policy.models.items():
        sizes = [v for v in (facts.active_b, facts.total_b) if v is not None]
        if any(not 0 < v <= 100_000 for v in sizes) or not 1 <= facts.bits <= 64:
            return f"models.{model_id}: parameters are above 0 (billions), bits 1 to 64"
    return ""
