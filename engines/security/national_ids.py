"""National identifiers: their form, their check digits, and whether a word must stand near them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engines.security import checksums as check

NEAR = 48
"""Characters before a number in which its name is looked for, and half as many after it."""


@dataclass(frozen=True, slots=True)
class NationalId:
    """One identifier. Where check digits leave one number in ten, `words` must stand near it."""

    name: str
    pattern: re.Pattern[str]
    holds: check.Check
    words: re.Pattern[str] | None
    is_numeric: bool = True


def _id(
    name: str, pattern: str, holds: check.Check, words: str = "", *, numeric: bool = True
) -> NationalId:
    edge = rf"(?<![A-Za-z0-9_.-])(?:{pattern})(?![A-Za-z0-9_-])"
    near = re.compile(words, re.IGNORECASE) if words else None
    return NationalId(name, re.compile(edge, re.IGNORECASE), holds, near, numeric)


_TAX = r"\btax\b|\bsteuer|\bidnr|\bfiscal|\bcontribuinte|\bnif\b|\btin\b|\btfn\b"
NATIONAL_IDS: tuple[NationalId, ...] = (
    _id("us_ssn", r"\d{3}[- ]\d{2}[- ]\d{4}", check.us_ssn),
    _id("us_ssn", r"\d{9}", check.us_ssn, r"\bssn\b|social security"),
    _id("uk_nhs_number", r"\d{3}[ -]\d{3}[ -]\d{4}|\d{10}", check.uk_nhs, r"\bnhs\b"),
    _id("uk_national_insurance",
        r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]",
        lambda text: True, r"national insurance|\bnino\b|\bni (?:number|no)\b|\binsurance number", numeric=False),
    _id("fr_nir", r"[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}",
        lambda text: check.fr_nir(text.replace(" ", "")), numeric=False),
    _id("de_tax_id", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", check.de_tax_id, _TAX),
    _id("es_dni", r"(?:\d{8}|[XYZ]\d{7})-?[A-Z]", lambda text: check.es_dni(text.replace("-", "")),
        numeric=False),
    _id("it_fiscal_code", r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", check.it_fiscal_code,
        numeric=False),
    _id("pt_nif", r"\d{3} ?\d{3} ?\d{3}", check.pt_nif, _TAX),
    _id("br_cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}", check.br_cpf),
    _id("br_cpf", r"\d{11}", check.br_cpf, r"\bcpf\b"),
    _id("cn_resident_id", r"[1-8]\d{5}(?:19|20)\d{9}[\dX]", check.cn_resident_id, numeric=False),
    _id("jp_my_number", r"\d{4}[ -]?\d{4}[ -]?\d{4}", check.jp_my_number,
        r"マイナンバー|個人番号|my ?number"),
    _id("kr_resident_number", r"\d{6}-[1-8]\d{6}", check.kr_resident_number),
    _id("in_aadhaar", r"\d{4}[ -]?\d{4}[ -]?\d{4}", check.in_aadhaar, r"aadhaa?r|आधार|\buidai\b"),
    _id("in_pan", r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", lambda text: text.isupper(),
        r"\bpan\b|permanent account|income tax", numeric=False),
    _id("nl_bsn", r"\d{9}|\d{3}[. ]\d{3}[. ]\d{3}|\d{4}[. ]\d{2}[. ]\d{3}", check.nl_bsn,
        r"\bbsn\b|burgerservicenummer|sofinummer"),
    _id("pl_pesel", r"\d{11}", check.pl_pesel, r"\bpesel\b"),
    _id("se_personal_number", r"(?:19|20)?\d{6}[-+]\d{4}", check.se_personal_number),
    _id("ch_ahv", r"756[.]?\d{4}[.]?\d{4}[.]?\d{2}", check.ch_ahv),
    _id("be_national_number", r"\d{2}[.]?\d{2}[.]?\d{2}-?\d{3}[.]?\d{2}", check.be_national_number,
        r"rijksregister|registre national|national (?:register|number)|\bniss\b|\binsz\b"),
    _id("ca_sin", r"\d{3}[ -]?\d{3}[ -]?\d{3}", check.ca_sin, r"\bsin\b|social insurance|\bnas\b"),
    _id("au_tfn", r"\d{3} ?\d{3} ?\d{3}", check.au_tfn, r"\btfn\b|tax file"),
    _id("sg_nric", r"[STFG]\d{7}[A-Z]", check.sg_nric, numeric=False),
    _id("za_id", r"\d{13}", check.za_id, r"south africa|\bid (?:number|no)\b|\brsa id\b|identity number"),
    _id("tr_identity", r"[1-9]\d{10}", check.tr_identity, r"\btc\b|t\.c\.|kimlik|\btckn\b"),
    _id("sa_national_id", r"[12]\d{9}", check.sa_national_id,
        r"الهوية|هويتي|السجل المدني|iqama|الإقامة|national id|saudi"),
    _id("ae_emirates_id", r"784-?\d{4}-?\d{7}-?\d", check.ae_emirates_id),
    _id("passport_mrz", r"[A-Z0-9<]{9}\d[A-Z<]{3}\d{6}\d[MFX<]\d{6}\d[A-Z0-9<]{14}[\d<]\d",
        lambda text: check.passport_mrz(text.upper()), numeric=False),
)  # fmt: skip
