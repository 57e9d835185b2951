"""Check digits: what tells a number of a card, an account or a person from any other number."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date


def luhn(digits: str) -> bool:
    """Return whether the last digit is the Luhn check digit (ISO/IEC 7812-1, annex B).

    Examples
    --------
    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def mod97(text: str) -> bool:
    """Return whether an IBAN's check digits hold (ISO 13616, ISO 7064 mod 97-10).

    Examples
    --------
    >>> mod97("GB82WEST12345698765432"), mod97("GB82WEST12345698765433")
    (True, False)
    """
    moved = text[4:] + text[:4]
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


_D = [[(i + j) % 5 if i < 5 and j < 5 else 0 for j in range(10)] for i in range(10)]
for _i in range(10):
    for _j in range(10):
        if _i < 5 <= _j:
            _D[_i][_j] = (_i + _j) % 5 + 5
        elif _j < 5 <= _i:
            _D[_i][_j] = (_i - _j) % 5 + 5
        elif _i >= 5 and _j >= 5:
            _D[_i][_j] = (_i - _j) % 5
_P = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
for _ in range(6):
    _P.append([_P[1][_P[-1][i]] for i in range(10)])


def verhoeff(digits: str) -> bool:
    """Return whether the last digit is the Verhoeff check digit (Verhoeff 1969).

    Examples
    --------
    >>> verhoeff("2363"), verhoeff("2364")
    (True, False)
    """
    check = 0
    for i, d in enumerate(reversed(digits)):
        check = _D[check][_P[i % 8][int(d)]]
    return check == 0


def weighted(digits: Sequence[int], weights: Sequence[int]) -> int:
    """Return the sum of digits times weights."""
    return sum(d * w for d, w in zip(digits, weights, strict=True))


def iso7064_11_10(digits: str) -> bool:
    """Return whether the last digit is the ISO 7064 mod 11,10 check digit."""
    product = 10
    for d in digits[:-1]:
        total = (int(d) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(digits[-1])


def _numbers(text: str) -> list[int]:
    return [int(c) for c in text]


def is_date(year: int, month: int, day: int) -> bool:
    """Return whether the day exists."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def us_ssn(d: str) -> bool:
    """Area, group and serial that are issued; the numbers used in advertisements are not."""
    known_fake = d in ("078051120", "219099999", "123456789") or len(set(d)) == 1
    area = d[:3]
    issued = area not in ("000", "666") and area[0] != "9" and d[3:5] != "00" and d[5:] != "0000"
    return issued and not known_fake


def uk_nhs(d: str) -> bool:
    """Mod 11 with weights 10 to 2 (NHS Data Dictionary)."""
    check = 11 - weighted(_numbers(d[:9]), range(10, 1, -1)) % 11
    return check != 10 and check % 11 == int(d[9])


def fr_nir(text: str) -> bool:
    """97 minus the number modulo 97; Corsica's letters stand for 19 and 18 (INSEE)."""
    body = text[:-2].upper()
    offset = {"A": ("A", "0", 1_000_000), "B": ("B", "0", 2_000_000)}
    value = 0
    for letter, digit, less in offset.values():
        if letter in body:
            body, value = body.replace(letter, digit), -less
    return (97 - (int(body) + value) % 97) == int(text[-2:]) and body[3:5] not in ("00",)


def de_tax_id(d: str) -> bool:
    """ISO 7064 mod 11,10; one digit twice or thrice, first digit not 0 (BZSt)."""
    counts = sorted((d[:10].count(c) for c in set(d[:10])), reverse=True)
    return d[0] != "0" and counts[0] in (2, 3) and counts[1] == 1 and iso7064_11_10(d)


def es_dni(text: str) -> bool:
    """Check the letter: the number modulo 23 in TRWAGMYFPDXBNJZSQVHLCKE; X, Y, Z open a NIE."""
    number = text[:-1].upper().translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == text[-1].upper()


_IT_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3,
         6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip


def it_fiscal_code(text: str) -> bool:
    """Check that the sixteenth letter checks the other fifteen (DM 23/12/1976)."""
    code = text.upper()
    total = sum(
        _IT_ODD[c] if i % 2 == 0 else (int(c) if c.isdigit() else ord(c) - 65)
        for i, c in enumerate(code[:15])
    )
    return chr(65 + total % 26) == code[15]


def pt_nif(d: str) -> bool:
    """Mod 11 with weights 9 to 2; first digit of a natural person."""
    check = 11 - weighted(_numbers(d[:8]), range(9, 1, -1)) % 11
    return d[0] in "1234" and (0 if check > 9 else check) == int(d[8])


def br_cpf(d: str) -> bool:
    """Two mod 11 digits (Receita Federal); equal digits pass the sum but are not issued."""
    if len(set(d)) == 1:
        return False
    for n in (9, 10):
        check = weighted(_numbers(d[:n]), range(n + 1, 1, -1)) * 10 % 11 % 10
        if check != int(d[n]):
            return False
    return True


def cn_resident_id(text: str) -> bool:
    """Mod 11-2 over 17 digits and a birth date that exists (GB 11643-1999)."""
    d = text.upper()
    total = weighted(_numbers(d[:17]), [pow(2, 17 - i, 11) for i in range(17)])
    born = is_date(int(d[6:10]), int(d[10:12]), int(d[12:14])) and 1900 <= int(d[6:10]) <= 2035
    return born and "10X98765432"[total % 11] == d[17]


def jp_my_number(d: str) -> bool:
    """Mod 11 with weights 6 to 2, 7 to 2 (MIC ordinance 85 of 2014)."""
    rest = weighted(_numbers(d[:11]), (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if rest <= 1 else 11 - rest) == int(d[11])


def kr_resident_number(d: str) -> bool:
    """Mod 11 and a birth date that exists; numbers issued before October 2020."""
    check = (11 - weighted(_numbers(d[:12]), (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)) % 11) % 10
    if d[6] not in "12345678" or check != int(d[12]):
        return False
    century = 1900 if d[6] in "1256" else 2000
    return is_date(century + int(d[:2]), int(d[2:4]), int(d[4:6]))


def in_aadhaar(d: str) -> bool:
    """Verhoeff; does not begin with 0 or 1 (UIDAI)."""
    return d[0] not in "01" and verhoeff(d)


def nl_bsn(d: str) -> bool:
    """Apply the eleven test."""
    return weighted(_numbers(d), (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and len(set(d)) > 2


def pl_pesel(d: str) -> bool:
    """Weights 1, 3, 7, 9 and a birth date that exists; the month carries the century."""
    total = weighted(_numbers(d[:10]), (1, 3, 7, 9, 1, 3, 7, 9, 1, 3))
    month = int(d[2:4])
    century = {4: 1800, 0: 1900, 1: 2000, 2: 2100, 3: 2200}.get(month // 20 if month < 80 else 4, 0)
    born = is_date(century + int(d[:2]), month % 20, int(d[4:6]))
    return born and (10 - total % 10) % 10 == int(d[10])


def se_personal_number(d: str) -> bool:
    """Luhn over ten digits and a birth date that exists (days + 60 for coordination numbers)."""
    short = d[-10:]
    day = int(short[4:6])
    born = is_date(2000, int(short[2:4]), day - 60 if day > 60 else day)
    return born and luhn(short)


def ch_ahv(d: str) -> bool:
    """EAN-13 under the prefix 756."""
    return d[:3] == "756" and weighted(_numbers(d), (1, 3) * 6 + (1,)) % 10 == 0


def be_national_number(d: str) -> bool:
    """97 minus the number modulo 97, with a 2 in front for those born since 2000."""
    check = int(d[9:])
    body = int(d[:9])
    month = int(d[2:4])
    since_2000 = int(d[:2]) <= 35 and check == 97 - (2_000_000_000 + body) % 97
    return month <= 12 and (since_2000 or check == 97 - body % 97)


def ca_sin(d: str) -> bool:
    """Luhn; 0 and 8 are not issued to people."""
    return d[0] not in "08" and len(set(d)) > 2 and luhn(d)


def au_tfn(d: str) -> bool:
    """Mod 11 (ATO)."""
    return weighted(_numbers(d), (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0 and len(set(d)) > 2


def sg_nric(text: str) -> bool:
    """Weighted mod 11 with a letter."""
    code = text.upper()
    total = weighted(_numbers(code[1:8]), (2, 7, 6, 5, 4, 3, 2)) + (4 if code[0] in "TG" else 0)
    letters = "JZIHGFEDCBA" if code[0] in "ST" else "XWUTRQPNMLK"
    return letters[total % 11] == code[8]


def za_id(d: str) -> bool:
    """Luhn, a birth date that exists, citizenship 0 or 1."""
    return is_date(2000, int(d[2:4]), int(d[4:6])) and d[10] in "01" and luhn(d)


def tr_identity(d: str) -> bool:
    """Two check digits."""
    n = _numbers(d)
    tenth = (sum(n[0:9:2]) * 7 - sum(n[1:8:2])) % 10
    return n[0] != 0 and tenth == n[9] and sum(n[:10]) % 10 == n[10]


def sa_national_id(d: str) -> bool:
    """Luhn; 1 for citizens, 2 for residents."""
    return d[0] in "12" and luhn(d)


def ae_emirates_id(d: str) -> bool:
    """Luhn under the country code 784 and a plausible year."""
    return d[:3] == "784" and 1900 <= int(d[3:7]) <= 2035 and luhn(d)


def passport_mrz(line: str) -> bool:
    """Check the digits of number, birth and expiry in a passport's second line (ICAO 9303)."""

    def check(part: str) -> int:
        values = [0 if c == "<" else int(c, 36) for c in part]
        return sum(v * (7, 3, 1)[i % 3] for i, v in enumerate(values)) % 10

    parts = ((line[:9], line[9]), (line[13:19], line[19]), (line[21:27], line[27]))
    return all(digit.isdigit() and check(part) == int(digit) for part, digit in parts)


Check = Callable[[str], bool]


def digits_of(text: str) -> str:
    """Return the ASCII digits of a text."""
    return re.sub(r"[^0-9]", "", text)
