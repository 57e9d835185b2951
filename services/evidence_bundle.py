"""The evidence bundle: what the hub can show for compliance, in one file an auditor can check."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import asdict
from urllib.parse import quote

import msgspec

from engines.compliance import RULES, load_catalogue
from services.attestations import list_attestations
from services.audit import log
from services.compliance import derive_compliance
from services.duties import list_duties
from services.evidence_audit import README as AUDIT_README
from services.evidence_audit import audit_files
from services.identity import permitted
from services.model_cards import export_card, export_markdown, list_cards
from services.sentences import english
from services.subject_requests import list_requests
from services.times import to_rfc3339
from services.workspace import Workspace

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a ZIP can hold: the same content gives the same bytes."""
README = f"""Evidence bundle of an AIOBS hub

SHA256SUMS        SHA-256 of every other file, as sha256sum reads it
manifest.json     whose bundle it is, when and by whom it was made, and the same hashes with sizes
facts.json        what the statuses were derived from; the first 16 digits of its SHA-256 are
                  `facts_digest` in compliance.json
compliance.json   every control with status, checks, ids of evidence and age; open findings; clocks
attestations.json signed statements, withdrawn ones included
duties.json       decisions on incidents and their reports
model-cards/      one card a model, JSON and Markdown
requests.json     requests of data subjects: references, no personal data
definitions.json  controls, checks and deadlines as this version of the hub understands them
{AUDIT_README}
To check all files, in the folder they were unpacked to and without a network:

  sha256sum --check --strict SHA256SUMS        (macOS: shasum -a 256 --check --strict SHA256SUMS)
  sha256sum facts.json | cut -c1-16            (is `facts_digest` in compliance.json)

The hashes show that a file was changed after the bundle was made, as long as SHA256SUMS itself is
the one that was made then: the chain of the hub that made it holds the hash of the whole ZIP, as
`sha256` of an entry `evidence.exported` that follows. Nothing here is legal advice.
"""


@permitted("audit:export")
def export_bundle(ws: Workspace, *, with_sample: bool = False) -> bytes:
    """Return the bundle and tell the audit chain who took which one."""
    content = make_bundle(ws, with_sample=with_sample)
    told: dict[str, str | int] = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }
    log(ws, "evidence.exported", "evidence", str(told["sha256"])[:16], told)
    return content


@permitted("audit:export")
def make_bundle(ws: Workspace, *, with_sample: bool = False) -> bytes:
    """Return the bundle as a ZIP; the sample fleet is left out unless asked for."""
    found, facts = derive_compliance(ws, with_sample=with_sample)
    files = {
        "README.txt": README.encode(),
        "facts.json": msgspec.json.encode(facts),
        "compliance.json": _json(found),
        "attestations.json": _json(list_attestations(ws)),
        "duties.json": _json(list_duties(ws)),
        "definitions.json": _json(_definitions()),
    }
    if "requests:read" in ws.principal.permissions:
        files["requests.json"] = _json(list_requests(ws))
    files |= audit_files(ws)
    for card in list_cards(ws):
        if with_sample or not card.is_sample:
            name = f"model-cards/{quote(card.model_id, safe='')}"
            files[f"{name}.json"] = _json(export_card(ws, card.model_id))
            files[f"{name}.md"] = export_markdown(ws, card.model_id).encode()
    hashes = {path: hashlib.sha256(body).hexdigest() for path, body in sorted(files.items())}
    manifest = {
        "format": 1,
        "tenant": ws.tenant,
        "made_at": to_rfc3339(ws.now_ms()),
        "made_by": ws.principal.id,
        "includes_sample": with_sample,
        "facts_digest": found.facts_digest,
        "catalogue_version": found.catalogue_version,
        "files": [
            {"path": path, "bytes": len(files[path]), "sha256": sha256}
            for path, sha256 in hashes.items()
        ],
    }
    files["manifest.json"] = _json(manifest)
    hashes["manifest.json"] = hashlib.sha256(files["manifest.json"]).hexdigest()
    sums = "".join(f"{sha256}  {path}\n" for path, sha256 in hashes.items())
    return _zipped(files | {"SHA256SUMS": sums.encode()})


def _definitions() -> dict[str, object]:
    catalogue = load_catalogue()
    checks = {name: " ".join((rule.__doc__ or "").split()) for name, rule in RULES.items()}
    return {"catalogue": asdict(catalogue), "checks": checks}


def _json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=english), indent=2)


def _zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, body in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(path, _EPOCH), body, zipfile.ZIP_DEFLATED)
    return made.getvalue()
