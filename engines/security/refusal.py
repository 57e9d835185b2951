"""Whether an output declines what its prompt asked for."""

from __future__ import annotations

import re

_REFUSAL = re.compile(
    r"\b(?:i (?:can(?:no|')t|cannot|can not|won'?t|will not|am (?:not able|unable)|'m (?:not able|unable)|must decline|have to decline"
    r"|don'?t have (?:that|any|this|enough) (?:information|passage))|i'm (?:sorry|not able|unable)|i am sorry|sorry, (?:but )?i"
    r"|unable to (?:help|assist|comply|share|provide)|against (?:my|our) (?:guidelines|polic)|not (?:something|able) i can"
    r"|request (?:was|has been) (?:blocked|refused|declined))"
    r"|\bje (?:ne peux pas|ne suis pas en mesure|regrette)|\bno puedo\b|\blo siento\b|\bich kann (?:das |dabei |ihnen |dir )?(?:leider )?nicht"
    r"|\btut mir leid\b|\bnão posso\b|\bdesculpe\b|\bnon posso\b|\bmi dispiace\b|\bя не могу\b"
    r"|(?:无法|不能|抱歉|对不起)|(?:できません|申し訳)|(?:할 수 없|죄송)|(?:لا أستطيع|لا يمكنني|عذرا|عذرًا|آسف)",
    re.IGNORECASE,
)  # fmt: skip
LEAD = 300
"""Characters from the start that are read: a refusal opens an answer."""


def looks_refused(output: str | None) -> bool:
    """Return whether an output opens with a refusal, in ten languages.

    Examples
    --------
    >>> looks_refused("I'm sorry, but I can't help with that."), looks_refused("Sure, here it is")
    (True, False)
    """
    return bool(output) and _REFUSAL.search(str(output)[:LEAD].replace("’", "'")) is not None
