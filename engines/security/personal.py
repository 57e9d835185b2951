"""Personal data in a text: forms first, then check digits, ranges and the words around them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from engines.security import checksums as check
from engines.security.national_ids import NATIONAL_IDS, NEAR
from engines.security.result import Severity, Signal
from engines.security.views import View

_CARD = re.compile(r"(?<![A-Za-z0-9_.-])\d(?:[ -]?\d){12,18}(?![A-Za-z0-9_-]|\.\d)")
_SCHEMES: tuple[tuple[str, re.Pattern[str]], ...] = (
    # Issuer ranges by scheme (ISO/IEC 7812-1 register as the schemes publish it).
    ("visa", re.compile(r"4\d{12}(?:\d{3}){0,2}")),
    (
        "mastercard",
        re.compile(r"(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}"),
    ),
    ("amex", re.compile(r"3[47]\d{13}")),
    ("discover", re.compile(r"(?:6011|64[4-9]\d|65\d{2})\d{12,15}")),
    ("jcb", re.compile(r"35(?:2[89]|[3-8]\d)\d{12,15}")),
    ("diners", re.compile(r"3(?:0[0-5]|[68]\d)\d{11}")),
    ("unionpay", re.compile(r"62\d{14,17}")),
    ("maestro", re.compile(r"(?:5018|5020|5038|6304|6759|676[1-3])\d{8,15}")),
)
IBAN_LENGTHS = dict(
    # SWIFT, IBAN registry, release 99.
    pair.split(":") for pair in (
        "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 "
        "DE:22 DK:18 DO:28 EE:20 EG:29 ES:24 FI:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 "
        "HR:21 HU:28 IE:22 IL:23 IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 "
        "LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 MR:27 MT:31 MU:30 NL:18 NO:15 PK:24 PL:28 PS:29 PT:25 "
        "QA:29 RO:24 RS:22 SA:24 SC:31 SD:18 SE:24 SI:19 SK:24 SM:27 ST:25 SV:28 TL:23 TN:24 TR:26 "
        "UA:29 VA:22 VG:24 XK:20"
    ).split()
)  # fmt: skip
_IBAN = re.compile(
    r"(?<![A-Za-z0-9_-])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{1,4}){3,9}(?![A-Za-z0-9_-])", re.IGNORECASE
)
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9_.+%-])[A-Z0-9](?:[A-Z0-9._%+-]{0,62}[A-Z0-9_+-])?"
    r"(?:\s?(?:@|\[at\]|\(at\)|＠)\s?)"
    r"(?:[A-Z0-9](?:[A-Z0-9-]{0,61}[A-Z0-9])?(?:\.|\s?(?:\[dot\]|\(dot\))\s?))+"
    r"[A-Z]{2,24}(?![A-Za-z0-9_-])",
    re.IGNORECASE,
)
_RESERVED = re.compile(
    # RFC 2606 and RFC 6761: names that never belong to anybody.
    r"(?:^|\.)(?:example\.(?:com|net|org)|example|test|invalid|localhost|local|internal)$",
    re.I,
)
_ROLES = frozenset(
    "support info sales help contact admin noreply no-reply donotreply do-not-reply postmaster press "
    "webmaster billing hello team security abuse careers jobs office service newsletter marketing "
    "privacy legal feedback orders accounts enquiries inquiries git".split()
)  # fmt: skip
_FILE_ENDINGS = frozenset("png jpg jpeg gif svg webp py js ts json md txt pdf css html".split())
_E164 = re.compile(
    r"(?<![A-Za-z0-9_+])(?:\+|00(?=[1-9]))[1-9]\d{0,2}(?:[ .\-()/]{0,2}\d){6,13}(?!\d|\.\d)"
)
_COUNTRY = re.compile(
    # ITU-T E.164 country codes in use.
    r"1|7|20|21[1268]|22\d|23\d|24\d|25[0-8]|26[0-9]|27|29[0179]|3[0-469]|35\d|37\d|38[0-35-79]"
    r"|4[0134-9]|42[013]|5[1-8]|50\d|59\d|6[0-6]|67[02-9]|68[0-35-9]|69[0-2]|8[1246]|85[02356]"
    r"|88[06]|9[0-58]|96\d|97[0-79]|99[2-68]"
)
_NANP = re.compile(
    r"(?<![A-Za-z0-9_.-])(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[.-])[2-9]\d{2}[ .-]\d{4}(?![A-Za-z0-9_-]|\.\d)"
)
_NATIONAL_PHONE = re.compile(
    r"(?<![A-Za-z0-9_.+-])\(?0\d{1,4}\)?(?:[ ./-]?\d{2,4}){2,5}(?![A-Za-z0-9_-]|\.\d)"
)
_PHONE_WORDS = re.compile(
    r"\b(?:tel|t[eé]l[eé]phone|tel[eé]fono|telefon\w*|telefone|telefono|phone|call|mobile|mobil\w*|cell\w*"
    r"|fax|whatsapp|handy|ring|text|sms|portable|móvil|celular|celulare|cellulare|number is|reach)\b"
    r"|电话|手机|電話|携帯|전화|휴대폰|هاتف|جوال|رقم",
    re.IGNORECASE,
)  # fmt: skip
_IPV4 = re.compile(r"(?<![\w.:-])(?:\d{1,3}\.){3}\d{1,3}(?![A-Za-z0-9_-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])", re.IGNORECASE)
_VERSION = re.compile(r"(?:version|release|firmware|build|v|ver\.?|section|chapter|rev)\s*$", re.I)
_BIRTH = re.compile(
    r"(?:\b(?:born(?: on)?|date of birth|birth ?date|birthday|d\.?o\.?b\.?|n[ée]e? le|date de naissance"
    r"|geboren(?: am)?|geburtsdatum|nacid[oa] el|fecha de nacimiento|nascid[oa] em|data de nascimento"
    r"|nat[oa] il|data di nascita)\b|出生日期|生年月日|생년월일|تاريخ الميلاد)[^\d\n]{0,14}"
    r"(\d{1,4})[ ./年년-]+(\d{1,2}|[A-Za-zéûôäç]{3,10})[ ,./月월-]+(\d{1,4})",
    re.IGNORECASE,
)  # fmt: skip

Place = tuple[str, Severity, int, int, float]  # detector, severity, start, end, confidence


def find_personal_data(view: View) -> list[Signal]:
    """Return the personal data of one reading; of two that overlap, the surer one.

    Parameters
    ----------
    view : View
        A reading of a text.

    Returns
    -------
    list of Signal
        Confidence 0.99 where check digits and form agree, less where only form and context do.

    Notes
    -----
    A keyword alone is never enough, and where a check digit lets one number in ten through, a name
    of the identifier must stand within `NEAR` characters. Names reserved for documentation
    (RFC 2606) and mailboxes of functions are not anybody's data.
    """
    places = [
        place
        for find in (_cards, _ibans, _emails, _ids, _phones, _addresses, _births)
        for place in find(view.text)
    ]
    places.sort(key=lambda p: (-p[4], p[2]))
    kept: list[Place] = []
    for place in places:
        if all(place[3] <= other[2] or place[2] >= other[3] for other in kept):
            kept.append(place)
    found = []
    for name, severity, start, end, confidence in kept:
        at, until = view.place(start, end)
        found.append(Signal("personal_data", name, severity, at, until, confidence, view.how))
    return found


def _cards(text: str) -> Iterator[Place]:
    for match in _CARD.finditer(text):
        number = check.digits_of(match.group())
        if len(set(number)) > 1 and check.luhn(number):
            if any(form.fullmatch(number) for _, form in _SCHEMES):
                yield "payment_card", "critical", match.start(), match.end(), 0.99


def _ibans(text: str) -> Iterator[Place]:
    for match in _IBAN.finditer(text):
        run = match.group()
        wanted = int(IBAN_LENGTHS.get(run[:2].upper(), "0"))
        # The pattern may have taken the word that follows: read as many characters as the country has.
        taken = [i for i, c in enumerate(run) if c.isalnum()][:wanted]
        if wanted and len(taken) == wanted:
            code = "".join(run[i] for i in taken).upper()
            ends = taken[-1] + 1
            whole = ends == len(run) or not run[ends].isalnum()
            if whole and check.mod97(code):
                yield "iban", "high", match.start(), match.start() + ends, 0.99


def _emails(text: str) -> Iterator[Place]:
    for match in _EMAIL.finditer(text):
        plain = re.sub(r"\s?(?:\[at\]|\(at\)|＠)\s?", "@", match.group(), flags=re.IGNORECASE)
        plain = re.sub(r"\s?(?:\[dot\]|\(dot\))\s?", ".", plain, flags=re.IGNORECASE)
        if re.search(r"\s", plain):
            continue
        name, _, domain = plain.lower().rpartition("@")
        if _RESERVED.search(domain) or name in _ROLES or domain.rsplit(".")[-1] in _FILE_ENDINGS:
            continue
        yield "email", "medium", match.start(), match.end(), 0.95


def _ids(text: str) -> Iterator[Place]:
    for kind in NATIONAL_IDS:
        if kind.words is not None and kind.words.search(text) is None:
            continue
        for match in kind.pattern.finditer(text):
            code = check.digits_of(match.group()) if kind.is_numeric else match.group()
            if kind.words is not None and not _is_near(text, match, kind.words):
                continue
            if kind.holds(code):
                yield kind.name, "critical", match.start(), match.end(), 0.97


def _is_near(text: str, match: re.Match[str], words: re.Pattern[str]) -> bool:
    around = text[max(0, match.start() - NEAR) : match.start()]
    return bool(words.search(around) or words.search(text[match.end() : match.end() + NEAR // 2]))


def _phones(text: str) -> Iterator[Place]:
    for match in _E164.finditer(text):
        run = match.group()
        digits = check.digits_of(run).removeprefix("00")
        if 8 <= len(digits) <= 15 and _COUNTRY.match(digits) and len(set(digits[2:])) > 2:
            if run.startswith("+") or _is_near(text, match, _PHONE_WORDS):
                yield "phone", "medium", match.start(), match.end(), 0.9
    for match in _NANP.finditer(text):
        digits = check.digits_of(match.group())[-10:]
        # 555-0100 to 555-0199 are kept for fiction; N11 codes are services.
        if not re.search(r"55501\d\d$", digits) and digits[4:6] != "11" and digits[1:3] != "11":
            yield "phone", "medium", match.start(), match.end(), 0.85
    for match in _NATIONAL_PHONE.finditer(text):
        digits = check.digits_of(match.group())
        if 9 <= len(digits) <= 12 and len(set(digits)) > 2 and _is_near(text, match, _PHONE_WORDS):
            yield "phone", "medium", match.start(), match.end(), 0.8


def _addresses(text: str) -> Iterator[Place]:
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            if _VERSION.search(text[max(0, match.start() - 12) : match.start()]):
                continue
            try:
                address = ipaddress.ip_address(match.group())
            except ValueError:
                continue
            if address.is_global and str(address) not in (
                "1.1.1.1",
                "8.8.8.8",
                "8.8.4.4",
                "1.0.0.1",
            ):
                yield "ip_address", "low", match.start(), match.end(), 0.8


_MONTHS = (
    "jan fev feb fév mar mär mrz apr avr abr mai may mag jun jui giu jul lug aug aoû ago sep set oct okt "
    "out ott nov dec dez déc dic"
).split()  # fmt: skip


def _births(text: str) -> Iterator[Place]:
    for match in _BIRTH.finditer(text):
        first, middle, last = match.groups()
        if middle.isalpha() and middle[:3].lower() not in _MONTHS:
            continue
        year = int(first) if len(first) == 4 else int(last)
        if 1900 <= year <= 2035 or (len(first) <= 2 and len(last) == 2):
            yield "date_of_birth", "high", match.start(1), match.end(3), 0.9
