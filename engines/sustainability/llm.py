"""Energy and embodied carbon of text generation, modelled from tokens and model size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engines.errors import EngineError
from engines.sustainability.result import Floats

# Fit of EcoLogits 0.11 to ML.ENERGY measurements on H100 servers: kWh per output token and GPU,
# seconds per output token. Full precision: rounded constants are up to 4e-5 off.
_GPU_SLOPE_WH = 1.1665273170451914e-06
_GPU_BATCH_DECAY = -0.011205921025579175
_GPU_BASE_WH = 4.052928146734005e-05
_LATENCY_P = 0.0006785088094353663
_LATENCY_B = 0.0003119310311688259
_LATENCY_0 = 0.019473717579473387

_SERVER_KW = 1.2  # without its GPUs
_SERVER_GPUS = 8
_GPU_MEMORY_GB = 80.0
_MEMORY_OVERHEAD = 1.2
_SERVER_EMBODIED_G = 5_700_000.0
_GPU_EMBODIED_G = 273_000.0
_LIFETIME_S = 3 * 365 * 86_400.0

DEFAULT_BATCH = 64.0


@dataclass(frozen=True, slots=True)
class ModelSize:
    """How large a model is.

    Attributes
    ----------
    active_b, total_b : float
        Parameters used per token, and held in memory, in billions; equal for dense models.
    bits : int
        Bits per weight.
    batch : float
        Requests that share a server at a time.
    """

    active_b: float
    total_b: float
    bits: int = 16
    batch: float = DEFAULT_BATCH


@dataclass(frozen=True, slots=True)
class Generation:
    """What generating took, per request: IT energy without overhead, and a share of hardware.

    Attributes
    ----------
    energy_it_kwh : Floats
        Energy of GPUs and server.
    embodied_g : Floats
        g CO2e of making the hardware, for the time that the request held it.
    """

    energy_it_kwh: Floats
    embodied_g: Floats


def generate(
    size: ModelSize,
    output_tokens: Floats,
    *,
    latency_s: Floats | None = None,
    tokens_per_s: float | None = None,
) -> Generation:
    """Return energy and embodied carbon of generating tokens.

    Parameters
    ----------
    size : ModelSize
        Parameters above 0, in billions.
    output_tokens : Floats
        Tokens generated per request, 0 or more. Input tokens (prefill) and cache hits are not
        in the model.
    latency_s : Floats, optional
        Measured seconds per request; caps the modelled time where it is known (not NaN).
    tokens_per_s : float, optional
        Speed that the provider states; replaces the modelled one.

    Returns
    -------
    Generation
        Arrays of the length of `output_tokens`; more is worse.

    Raises
    ------
    EngineError
        When a size, the batch or the speed is not above 0.

    Notes
    -----
    With P parameters in billions, B the batch and n the tokens (EcoLogits):
    E_gpu = n (a exp(b B) P_active + c); t = n (d P_active + e B + f), or n / speed, at most the
    measured latency; GPUs = 2^ceil(log2(ceil(1.2 P_total bits / 8 / 80 GB)));
    E_IT = t 1.2 kW GPUs / 8 / B + GPUs E_gpu;
    embodied = (GPUs / 8 · 5700 kg + GPUs · 273 kg) t / (3 years · B).
    The fit is for H100 servers; other hardware, quantisation kernels and speculative decoding
    break it.

    Examples
    --------
    >>> import numpy as np
    >>> found = generate(ModelSize(70, 70), np.array([170.0]))
    >>> round(float(found.energy_it_kwh[0] * 1.09), 7)  # kWh at a PUE of 1.09
    0.0001015

    References
    ----------
    Rincé and Banse (2025). EcoLogits: evaluating the environmental impacts of generative AI.
    Journal of Open Source Software 10(111).
    """
    if min(size.active_b, size.total_b, size.batch) <= 0 or size.bits <= 0:
        raise EngineError(f"parameters, bits and batch must be above 0, got {size}")
    if tokens_per_s is not None and tokens_per_s <= 0:
        raise EngineError(f"tokens per second must be above 0, got {tokens_per_s}")
    tokens = np.asarray(output_tokens, dtype=np.float64)
    gpus = _gpus(size)
    decay = math.exp(_GPU_BATCH_DECAY * size.batch)
    gpu_kwh = tokens * (_GPU_SLOPE_WH * decay * size.active_b + _GPU_BASE_WH) / 1000
    modelled = _LATENCY_P * size.active_b + _LATENCY_B * size.batch + _LATENCY_0
    seconds = tokens * (1 / tokens_per_s if tokens_per_s else modelled)
    if latency_s is not None:
        seconds = np.fmin(seconds, latency_s)
    server_kwh = seconds / 3600 * _SERVER_KW * gpus / _SERVER_GPUS / size.batch
    hardware_g = gpus / _SERVER_GPUS * _SERVER_EMBODIED_G + gpus * _GPU_EMBODIED_G
    embodied_g = hardware_g * seconds / (_LIFETIME_S * size.batch)
    return Generation(server_kwh + gpus * gpu_kwh, embodied_g)


def _gpus(size: ModelSize) -> int:
    needed = math.ceil(_MEMORY_OVERHEAD * size.total_b * size.bits / 8 / _GPU_MEMORY_GB)
    return int(2 ** math.ceil(math.log2(needed)))
