"""Secrets in a text: formats of keys and tokens, and assignments whose value looks drawn by lot."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engines.security.result import Severity, Signal
from engines.security.views import View

MIN_ENTROPY = 3.0
"""Bits a character of an assigned value. 16 letters drawn from 62 have 3.7 on average, words 2.8."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format of a secret; `entropy` is the least of what follows the prefix."""

    name: str
    pattern: re.Pattern[str]
    severity: Severity = "critical"
    entropy: float = 2.5
    holds: Callable[[str], bool] | None = None


def entropy(text: str) -> float:
    """Return Shannon's entropy of the characters in bits each.

    Examples
    --------
    >>> entropy("aaaa"), entropy("abcd")
    (0.0, 2.0)

    References
    ----------
    Shannon (1948), A mathematical theory of communication, Bell System Technical Journal 27.
    """
    n = len(text)
    counts = Counter(text).values()
    return max(0.0, -sum(c / n * math.log2(c / n) for c in counts)) if n else 0.0


def github_checksum(token: str) -> bool:
    """Return whether the last six characters of a GitHub token are its CRC-32 in base 62.

    Notes
    -----
    A token that fails is not one that GitHub issued; it is still reported, with less confidence.
    """
    body, given = token.split("_", 1)[1][:-6], token[-6:]
    value, letters = zlib.crc32(body.encode()), ""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    while value:
        value, rest = divmod(value, 62)
        letters = alphabet[rest] + letters
    return letters.rjust(6, "0") == given


def _is_jwt(token: str) -> bool:
    try:
        parts = [
            json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
            for part in token.split(".")[:2]
        ]
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return False
    return all(isinstance(part, dict) for part in parts) and "alg" in parts[0]


def _is_basic(header: str) -> bool:
    try:
        text = base64.b64decode(header.split()[-1], validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return False
    return ":" in text and text.isprintable() and len(text.split(":", 1)[1]) >= 4


def _f(name: str, pattern: str, severity: Severity = "critical", **more: object) -> Format:
    return Format(name, re.compile(pattern), severity, **more)  # type: ignore[arg-type]


FORMATS: tuple[Format, ...] = (
    # Prefixes and lengths as each issuer documents them; see docs/methods/security.md.
    _f("private_key", r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |ENCRYPTED |PGP )?PRIVATE KEY(?: BLOCK)?-----"
       r"(?=[\s\\nr]*[A-Za-z0-9+/=:,\-]{16})", entropy=0.0),
    _f("aws_access_key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    _f("github_token", r"\bgh[pousr]_[A-Za-z0-9]{36,251}\b", holds=github_checksum),
    _f("github_token", r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b"),
    _f("gitlab_token", r"\bgl(?:pat|ptt|dt|rt|cbt|soat|ft)-[A-Za-z0-9_\-]{20,64}\b"),
    _f("slack_token", r"\bxox[abeoprs]-(?:[A-Za-z0-9]{1,24}-){1,4}[A-Za-z0-9]{16,64}\b"),
    _f("slack_webhook", r"https://hooks\.slack\.com/(?:services|workflows)/T[A-Z0-9]{6,12}/[AB][A-Z0-9]{6,14}/[A-Za-z0-9]{16,32}", "high"),
    _f("stripe_key", r"\b(?:sk|rk)_live_[A-Za-z0-9]{20,247}\b"),
    _f("stripe_key", r"\b(?:sk|rk)_test_[A-Za-z0-9]{20,247}\b", "medium"),
    _f("anthropic_key", r"\bsk-ant-(?:api|admin|oat)\d{2}-[A-Za-z0-9_\-]{80,120}\b"),
    _f("openai_key", r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_\-]{16,110}T3BlbkFJ[A-Za-z0-9_\-]{16,110}\b"),
    _f("openai_key", r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_\-]{40,180}(?![\w-])"),
    _f("openai_key", r"\bsk-[A-Za-z0-9]{48}\b"),
    _f("google_api_key", r"\bAIza[0-9A-Za-z_\-]{35}(?![\w-])", "high"),
    _f("google_oauth_secret", r"\bGOCSPX-[A-Za-z0-9_\-]{28}(?![\w-])"),
    _f("google_oauth_token", r"\bya29\.[A-Za-z0-9_\-]{30,200}"),
    _f("npm_token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    _f("pypi_token", r"\bpypi-AgE[A-Za-z0-9_\-]{50,250}"),
    _f("sendgrid_key", r"\bSG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}(?![\w-])"),
    _f("twilio_key", r"\bSK[0-9a-f]{32}\b", "high"),
    _f("mailgun_key", r"\bkey-[0-9a-f]{32}\b", "high"),
    _f("hugging_face_token", r"\b(?:hf|api_org)_[A-Za-z]{34}\b"),
    _f("digitalocean_token", r"\bdo[opr]_v1_[0-9a-f]{64}\b"),
    _f("databricks_token", r"\bdapi[0-9a-f]{32}\b"),
    _f("shopify_token", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
    _f("telegram_bot_token", r"\b\d{8,10}:AA[A-Za-z0-9_\-]{33}(?![\w-])"),
    _f("azure_storage_key", r"AccountKey=[A-Za-z0-9+/]{86}=="),
    _f("vault_token", r"\bhv[sb]\.[A-Za-z0-9_\-]{24,200}"),
    _f("aiobs_key", r"\baiobs_[A-Za-z0-9]{8}\.[A-Za-z0-9]{43}\b"),
    _f("json_web_token", r"\beyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{16,}", "high",
       holds=_is_jwt),
    _f("basic_authorization", r"\bBasic [A-Za-z0-9+/]{12,}={0,2}", "high", holds=_is_basic),
    _f("bearer_authorization", r"\bAuthorization: ?Bearer [A-Za-z0-9._~+/\-]{20,}=*", "high", entropy=3.0),
)  # fmt: skip
_EXACT = frozenset({"json_web_token", "basic_authorization"})
"""Formats whose `holds` is their definition; for the others it only raises the confidence."""

_URL_PASSWORD = re.compile(
    r"\b[a-z][a-z0-9+.-]{2,20}://[^\s:/@'\"<>]{1,64}:([^\s@/'\"<>]{3,128})@[\w.-]+", re.IGNORECASE
)
_ASSIGNED = re.compile(
    r"(?:\b|_)(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|api[_ -]?key|access[_ -]?key|auth[_ -]?key"
    r"|private[_ -]?key|client[_ -]?secret|secret[_ -]?(?:access[_ -]?)?key|credentials?|contraseña|mot de passe|passwort|kennwort|senha)"
    r"(?:[\"'`]?\s*(?:=>|:=|=|:)\s*|\s+(?:is|ist|es|est|é)\s*:?\s+)[\"'`]?([^\s\"'`,;<>]{8,200})"
    r"|(?:密码|密鑰|密钥|パスワード|비밀번호|كلمة المرور|كلمة السر)\s*(?:(?:是|は|:|：|هي|=)\s*)?([^\s\"'`,;<>，。]{8,200})",
    re.IGNORECASE,
)  # fmt: skip
_PLACEHOLDER = re.compile(
    r"example|your[_-]?|my[_-]?(?:secret|key|token|password)|xxx|\*\*\*|•|\.\.\.|…|placeholder|change[_-]?me|redacted"
    r"|dummy|sample|insert|todo|\$\{|\{\{|%\(|process\.env|os\.environ|getenv|<[^>]*>|^\$|^\$[A-Z_]+$|0{8}|1234567|abcdefg"
    r"|^(?:null|none|undefined|true|false|required|optional|string|hidden|masked)",
    re.IGNORECASE,
)  # fmt: skip
_DOCUMENTED = re.compile(r"EXAMPLE|x{6}|your[_-]|0{10}|\*{3}|\.{3}", re.IGNORECASE)
_DEFAULT_PASSWORD = re.compile(
    r"(?:user|pass(?:word|wd)?|pwd|pw|secret|root|admin|postgres)\d{0,3}", re.I
)


def find_secrets(view: View) -> list[Signal]:
    """Return the secrets of one reading; of two that overlap, the more exact one.

    Parameters
    ----------
    view : View
        A reading of a text.

    Returns
    -------
    list of Signal
        Confidence 0.99 where a checksum holds, 0.95 for a documented format, 0.7 for an assignment.

    Notes
    -----
    Placeholders (``your_key``, ``xxx``, ``EXAMPLE``) and values under the format's entropy are left
    out. An assigned value needs `MIN_ENTROPY` bits a character and two classes of characters: words
    of a language have one class.
    """
    found: list[Signal] = []
    taken: list[tuple[int, int]] = []
    for name, severity, start, end, confidence in (*_formats(view.text), *_assigned(view.text)):
        if any(start < other[1] and end > other[0] for other in taken):
            continue
        taken.append((start, end))
        at, until = view.place(start, end)
        found.append(Signal("secret", name, severity, at, until, confidence, view.how))
    return found


Place = tuple[str, Severity, int, int, float]


def _formats(text: str) -> Iterator[Place]:
    for form in FORMATS:
        for match in form.pattern.finditer(text):
            token = match.group()
            if entropy(token) < form.entropy or _DOCUMENTED.search(token):
                continue
            holds = form.holds(token) if form.holds is not None else False
            if form.name in _EXACT and not holds:
                continue
            confidence = 0.99 if holds else 0.95
            yield form.name, form.severity, match.start(), match.end(), confidence


def _assigned(text: str) -> Iterator[Place]:
    for match in _URL_PASSWORD.finditer(text):
        value = match.group(1)
        if not _PLACEHOLDER.search(value) and not _DEFAULT_PASSWORD.fullmatch(value):
            yield "password_in_url", "critical", match.start(1), match.end(1), 0.9
    for match in _ASSIGNED.finditer(text):
        group = 1 if match.group(1) is not None else 2
        value = match.group(group).rstrip(".)]}")
        if looks_random(value):
            start = match.start(group)
            yield "assigned_secret", "high", start, start + len(value), 0.7


def looks_random(value: str) -> bool:
    """Return whether a value reads like a secret: mixed characters, high entropy, no placeholder.

    Examples
    --------
    >>> looks_random("hunter2hunter2"), looks_random("Tr0ub4dor&3x"), looks_random("your_password1")
    (False, True, False)
    """
    classes = sum(
        bool(re.search(pattern, value)) for pattern in ("[a-z]", "[A-Z]", r"\d", r"[^\w\s]")
    )
    enough = len(value) >= 8 and entropy(value) >= min(MIN_ENTROPY, math.log2(len(value)) - 0.4)
    call = re.search(r"[(\[]|^https?://", value) is not None
    return enough and classes >= 2 and not call and not _PLACEHOLDER.search(value)
