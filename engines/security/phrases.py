"""The wordings of attacks on a model's instructions, in ten languages, with what each is worth.

A rule's weight is the probability, on its own, that a text which matches it is an attack. Weights are
judgement, checked on the labelled cases of `benchmarks/security.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engines.security.result import Kind, Severity

STRONG, MEDIUM, WEAK = 0.85, 0.55, 0.3


@dataclass(frozen=True, slots=True)
class Rule:
    """One wording: what it looks for, which detector it belongs to, and how much it says."""

    kind: Kind
    detector: str
    severity: Severity
    weight: float
    pattern: re.Pattern[str]


def _near(first: str, second: str, gap: int = 5) -> str:
    """Return a pattern for `first`, then `second` at most `gap` words later."""
    return rf"\b(?:{first})\b(?:[^\w\n.!?]+\w+){{0,{gap}}}?[^\w\n.!?]+(?:{second})\b"


_RULES_EN = (
    r"instructions?|rules|guidelines?|prompts?|directives?|directions|commands?|constraints?"
    r"|restrictions?|guardrails?|programming|safety (?:rules|polic\w+|filters?)|polic(?:y|ies)"
)
_BEFORE = (
    r"previous|prior|earlier|above|preceding|original|initial|existing|system|foregoing|your|all"
)
_DROP = r"ignore|disregard|forget|override|bypass|discard|neglect|skip|drop|dismiss|circumvent"

_OVERRIDE = (
    (STRONG, _near(_DROP, rf"(?:{_BEFORE})[^\w\n.!?]+(?:\w+[^\w\n.!?]+){{0,3}}?(?:{_RULES_EN})", 3)),
    (STRONG, _near(_DROP, r"everything (?:above|before|you were told|i said before|you(?:'ve| have) been told)|all of the above|what (?:you were|they) told", 2)),
    (STRONG, _near(_DROP + "|cancel", rf"(?:{_RULES_EN})(?:[^\w\n.!?]+\w+){{0,2}}?[^\w\n.!?]+(?:(?:that )?(?:you|were|was|have) (?:were |have been |had )?(?:given|got|told|set|received|follow|have|learned)|above|before|so far|until now|set up by)", 3)),
    (STRONG, _near(_DROP, r"(?:the|your|this) (?:system|developer|safety|content|hidden|initial) (?:prompt|message|polic\w+|rules|instructions?|guidelines|filters?|settings)", 1)),
    (STRONG, r"\b(?:do not|don't|never|must not|need not|needn't|stop|no longer)\s+(?:follow|obey|comply with|adhere to|listen to|pay attention to|following|obeying)\s+(?:\w+\s+){0,2}?(?:your|previous|prior|original|above|earlier|developer|system|safety)\b(?:\s+\w+){0,2}?\s+(?:" + _RULES_EN + r"|message|developer)"),
    (STRONG, r"\b(?:" + _RULES_EN + r")\b(?:\s+\w+){0,3}?\s+(?:do(?:es)?n['’]?t|do(?:es)? not|no longer|don['’]?t) (?:longer )?(?:count|apply|matter|bind|hold)\b"),
    (STRONG, r"\b(?:new|updated|real|actual|revised) (?:system )?(?:instructions?|directives?|task)\s*(?::|follow|are\b|is\b|supersede|below)"),
    (MEDIUM, r"\b(?:previous|prior|earlier|above|system) (?:instructions?|rules|prompts?|guidelines) (?:are|is|were|was|have been) (?:now )?(?:void|cancel\w*|obsolete|superseded|revoked|invalid|no longer|outdated|a test|over)"),
    (STRONG, r"\b(?:ignore[zr]?|oublie[zr]?|négligez|fais abstraction|faites abstraction)\b(?:[^\w\n.!?]+\w+){0,4}?[^\w\n.!?]+(?:instructions|consignes|règles|directives)\b"),
    (STRONG, r"\bcomme si\b[^.!?\n]{0,30}\b(?:jamais reçu|aucune|pas de|sans)\b[^.!?\n]{0,15}\b(?:consignes?|instructions?|règles?)"),
    (STRONG, r"\b(?:ignora[dr]?|olvida[dr]?|omite|desatiende|haz caso omiso)\b(?:[^\w\n.!?]+\w+){0,5}?[^\w\n.!?]+(?:instrucciones|reglas|indicaciones|órdenes|directrices)\b"),
    (STRONG, r"\b(?:ignoriere?n?|vergiss|vergessen sie|missachte|umgehe|übergehe)\b(?:[^\w\n.!?]+\w+){0,5}?[^\w\n.!?]+(?:anweisung(?:en)?|instruktionen|regeln|vorgaben|richtlinien|anleitungen|befehle)\b"),
    (STRONG, r"\b(?:ignore|ignora|esqueça|esquece|desconsidere|desconsidera)\b(?:[^\w\n.!?]+\w+){0,5}?[^\w\n.!?]+(?:instruções|regras|orientações|diretrizes|comandos)\b"),
    (STRONG, r"\b(?:ignora(?:re)?|ignori|dimentica|scorda|trascura|tralascia)\b(?:[^\w\n.!?]+\w+){0,5}?[^\w\n.!?]+(?:istruzioni|regole|direttive|indicazioni|comandi)\b"),
    (STRONG, r"(?:忽略|无视|忘记|忘掉|不要理会|不用管|忽視|無視)[^。!?\n]{0,12}(?:指令|指示|规则|規則|提示|说明|要求|设定)"),
    (STRONG, r"(?:指示|命令|ルール|規則|プロンプト|制約|設定)[^。!?\n]{0,12}(?:無視|忘れ|破棄|従わない|取り消)"),
    (STRONG, r"(?:지시|명령|규칙|지침|프롬프트|설정)[^.!?\n]{0,12}(?:무시|잊어|잊고|따르지|폐기)"),
    (STRONG, r"(?:تجاهل|انس|انسَ|تجاوز|أهمل|لا تتبع)[^.!؟\n]{0,25}(?:التعليمات|تعليمات|القواعد|قواعد|الأوامر|التوجيهات|الإرشادات|تعليماتك)"),
    (STRONG, r"\b(?:игнорируй(?:те)?|забудь(?:те)?|проигнорируй(?:те)?|не следуй(?:те)?)\b[^.!?\n]{0,30}(?:инструкци\w+|правил\w*|указани\w+)"),
)  # fmt: skip
_EXTRACTION = (
    (STRONG, r"\b(?:reveal|print|show|repeat|output|display|leak|dump|disclose|recite|expose|share|paste|give me|tell me|write (?:out|down)|summari[sz]e|translate|encode|echo|list|return)\b(?:[^\w\n.!?]+\w+){0,5}?[^\w\n.!?]+(?:your|the|its|this (?:bot|assistant)'s)\s+(?:\w+[ -]){0,3}?(?:system (?:prompt|message|instructions?)|(?:hidden|initial|secret|original|internal|developer|confidential|pre-?)[ -]?(?:prompt|instructions?|message|rules|guidelines))"),
    (STRONG, r"\b(?:reveal|print|repeat|output|show|display|dump|leak|tell me|give me)\s+(?:me\s+)?(?:\w+\s+){0,2}?(?:system|developer|hidden) (?:prompt|message|instructions)"),
    (STRONG, r"\b(?:repeat|print|output|copy|write|return|echo)\b[^\w\n.!?]+(?:\w+[^\w\n.!?]+){0,5}?(?:above|before this|preceding this|prior to this)(?:\s+(?:line|message|conversation|sentence|verbatim|word for word)|\s*[.,:\"']|$)"),
    (MEDIUM, r"\bwhat (?:are|is|were|was) (?:your|the) (?:\w+ ){0,2}?(?:system prompt|hidden (?:prompt|instructions?)|initial (?:prompt|instructions?)|original instructions?|exact instructions?|secret instructions?)"),
    (STRONG, r"\b(?:complete|finish|continue|fill in) (?:the|this|my) (?:sentence|phrase|text|blank)\b[^\n]{0,60}\b(?:system prompt|(?:my|your) instructions)"),
    (MEDIUM, r"\b(?:verbatim|word for word|character by character)\b[^\n]{0,60}\b(?:prompt|instructions?)\b|\b(?:prompt|instructions?)\b[^\n]{0,60}\b(?:verbatim|word for word|character by character)\b"),
    (STRONG, r"\b(?:montre|affiche|révèle|donne|répète|imprime)\w*\b[^.!?\n]{0,40}(?:prompt système|invite système|instructions (?:système|initiales|cachées|secrètes)|message système)"),
    (STRONG, r"\b(?:muestra|muéstrame|revela|imprime|repite|dime|enséñame)\b[^.!?\n]{0,40}(?:prompt (?:del )?sistema|mensaje (?:del |de )?sistema|instrucciones (?:del sistema|iniciales|ocultas|secretas|internas))"),
    (STRONG, r"\b(?:zeige?|verrate?|gib|wiederhole|nenne|drucke)\b[^.!?\n]{0,40}(?:system-?prompt|systemnachricht|systemanweisung\w*|(?:geheimen?|versteckten?|ursprünglichen?|internen?) (?:anweisungen|prompts?|instruktionen))"),
    (STRONG, r"\b(?:mostre|mostra|revele|revela|imprima|repita|diga|stampa|ripeti|rivela|mostrami|dimmi)\b[^.!?\n]{0,40}(?:prompt (?:do |de |di )?sistema|mensagem (?:do|de) sistema|messaggio di sistema|(?:instruções|istruzioni) (?:do sistema|di sistema|iniciais|ocultas|secretas|internas|iniziali|nascoste|segrete|interne))"),
    (STRONG, r"(?:显示|输出|告诉我|打印|重复|泄露|公开|给我看)[^。!?\n]{0,12}(?:系统提示|系统指令|初始指令|隐藏指令|原始指令|系统消息)"),
    (STRONG, r"(?:システムプロンプト|システムメッセージ|初期指示|隠された指示|内部の指示|元の指示)[^。!?\n]{0,12}(?:表示|教え|見せ|出力|繰り返|公開|開示)"),
    (STRONG, r"(?:시스템 ?프롬프트|시스템 ?메시지|초기 ?지시|숨겨진 ?지시|내부 ?지침)[^.!?\n]{0,12}(?:보여|알려|출력|공개|말해|반복)"),
    (STRONG, r"(?:اعرض|أظهر|اكشف|اطبع|كرر|أخبرني|اكتب)[^.!؟\n]{0,25}(?:موجه النظام|تعليمات النظام|رسالة النظام|التعليمات (?:الأصلية|المخفية|السرية|الأولية)|تعليماتك (?:الأصلية|السرية|المخفية))"),
    (STRONG, r"\b(?:покажи|раскрой|выведи|повтори|напечатай)\b[^.!?\n]{0,30}(?:системн\w+ (?:промпт|сообщени\w+|инструкци\w+)|скрыт\w+ инструкци\w+)"),
)  # fmt: skip
_FRAMES = (
    (STRONG, r"<\|(?:im_start|im_end|system|start_header_id|endoftext|eot_id)\|>"),
    (MEDIUM, r"\[/?INST\]|<</?SYS>>"),
    (MEDIUM, r"(?:^|\n)[^\S\n]*(?:#{2,}|-{3,}|={3,}|\*{3,}|\[|<)\s*(?:(?:begin|end|new|start) ){0,3}(?:system|developer|admin)(?: (?:prompt|message|override|instructions?|note))?\s*(?:#{2,}|-{3,}|={3,}|\*{3,}|\]|>|:)"),
    (MEDIUM, r"</(?:system|instructions?|context|document|user_?input|data)>\s*\S"),
    (MEDIUM, r"(?:^|\n)[^\S\n]*(?:system|developer|SYSTEM OVERRIDE|ADMIN)\s*:\s*(?:you|ignore|the (?:user|assistant)|new|from|override|disable|grant|user is)"),
    (STRONG, r"[\"']role[\"']\s*:\s*[\"'](?:system|developer)[\"']\s*,\s*[\"']content[\"']\s*:"),
    (WEAK, r"(?:^|\n)[^\S\n]*(?:assistant|human|user)\s*:\s*\S"),
    (MEDIUM, r"\b(?:system|admin(?:istrator)?|root|developer) (?:override|overrule|access granted|privileges? (?:granted|enabled))"),
)  # fmt: skip
_TO_MODEL = (
    (MEDIUM, r"\b(?:note|message|attention|notice|instructions?|reminder|important)(?: \w+)? (?:to|for|directed at|all)(?: the| any| all)? (?:ai|llms?|language models?|(?:ai )?assistants?|chat ?bots?|(?:ai )?agents?|summari[sz]ers?|bots?)\b"),
    (MEDIUM, r"\b(?:if you are|if you're|any|dear|hey|hello|attention) (?:an? )?(?:ai|llm|large language model|language model|automated (?:system|agent|reader)|chat ?bot)\b[^\n.?!]{0,60}\b(?:must|should|please|you|read|process\w*|scann?\w*|summari[sz]\w*|parse|crawl)"),
    (MEDIUM, r"\bwhen (?:you(?:'re| are)? )?(?:an? (?:ai|llm|assistant) )?(?:summari[sz]\w*|process\w*|read\w*|evaluat\w*|translat\w*) (?:this|the) (?:page|document|text|email|message|file|review|resume|cv|ticket)\b[^\n.?!]{0,60}\b(?:include|add|append|insert|say|state|mention|send|recommend|click|always|never|instead|also|rate|give)\b"),
    (STRONG, r"\b(?:the )?(?:reviewers?|graders?|evaluators?|ai|llm|model|assistant) (?:must|should|shall|has to) (?:rate|score|rank|recommend|approve|accept|give|grade|assign)\b[^\n.?!]{0,60}\b(?:highest|positive|10(?:/10)?|100|full marks|perfect|best|top|excellent|strong accept|approved?)"),
    (STRONG, r"\b(?:give|write|output|return) (?:only )?(?:a )?positive review(?:s)? only\b|\bdo not highlight any negatives?\b"),
    (MEDIUM, r"\bdo not (?:tell|inform|mention (?:this|it|that)? ?(?:to)?|reveal (?:this|it) to|alert|show) (?:this )?(?:to )?the user\b|\bwithout (?:telling|informing|notifying|alerting) the user\b"),
    (MEDIUM, r"\bto (?:the|any|all) (?:ai|llms?|language models?|assistants?|chat ?bots?|agents?)\b[^\n]{0,60}\b(?:your (?:next )?(?:reply|answer|output|response|task)|you (?:must|should|shall)|please (?:reply|output|say))"),
    (WEAK, r"<!--[^>]{0,200}\b(?:assistant|ai|llm|model|instructions?|prompt)\b|\bdisplay:\s*none\b"),
)  # fmt: skip
_EXFILTRATION = (
    (STRONG, r"!\[[^\]]{0,80}\]\(\s*https?://[^)\s]{1,500}[?&/=]\w*[=/]?\s*(?:\{|<|\[|\$|%7B)"),
    (STRONG, r"\b(?:send|post|forward|upload|transmit|exfiltrate|e-?mail|submit|leak)\b[^\n.!?]{0,90}\b(?:conversation|chat history|history|context|api keys?|passwords?|credentials?|secrets?|tokens?|user(?:'s)? data|system prompt|environment variables|files?|contacts|inbox|mailbox)\b[^\n]{0,60}(?:https?://|\bto\s+[\w.+-]+@[\w-]+\.\w)"),
    (MEDIUM, r"\b(?:append|add|include|embed|put|insert)\b[^\n.!?]{0,80}\b(?:conversation|history|secret|api key|password|user(?:'s)? (?:data|name|email)|context)\b[^\n]{0,60}\b(?:url|link|image|query (?:string|parameter)|markdown)\b"),
    (MEDIUM, r"\b(?:call|use|invoke|execute|run)\b[^\n.!?]{0,40}\b(?:tool|function|plugin|shell|terminal|command)\b[^\n]{0,60}\b(?:rm -rf|curl |wget |delete|transfer|wire|drop table|os\.system|subprocess|/etc/passwd)"),
    (MEDIUM, r"\b(?:cat|read|print|show)\b[^\n]{0,20}(?:/etc/(?:passwd|shadow)|~/\.ssh|\.env\b|id_rsa)"),
)  # fmt: skip
_ROLE = (
    (MEDIUM, r"\b(?:you are|you're|act as|behave as|become|pretend (?:to be|you are|you're)|role-?play as|simulate|imagine you are|transform into|switch to|enter|enable|activate)\b[^\n.!?]{0,60}\b(?:unrestricted|unfiltered|uncensored|amoral|unethical|evil|jail ?broken|unbound|unlimited|rogue|no[- ]limits?|god mode|developer mode|debug mode|dev mode|maintenance mode|without (?:any )?(?:restrictions?|limits?|limitations?|filters?|rules|censorship|moral\w*|ethic\w*|guidelines|safety))"),
    (STRONG, r"\b(?:do anything now|DAN mode|STAN mode|jail ?break(?:en)? mode|evil[- ]?bot|anti-?gpt|AIM \(always intelligent|developer mode (?:enabled|v2|output|on)|opposite mode)\b|\b(?:you are|act as|become|as|simulate|be)\s+(?:now\s+)?DAN\b"),
    (MEDIUM, r"\b(?:has|have|with|without|no|free (?:of|from)|freed from|not bound by|ignor\w+|lack\w*|remove\w*|disable\w*|turn off)\b[^\n.!?]{0,30}\b(?:ethical|moral|content|safety|openai'?s?|anthropic'?s?|google'?s?|legal)\b[^\n.!?]{0,25}\b(?:guidelines?|restrictions?|filters?|polic(?:y|ies)|constraints?|limitations?|principles|rules|boundaries)\b"),
    (MEDIUM, r"\b(?:moral|ethical|legal|safety) (?:considerations?|constraints?|concerns|rules|limits|filters?|guidelines)\b[^\n.!?]{0,20}\b(?:removed|disabled|lifted|suspended|switched off|turned off|gone)\b"),
    (MEDIUM, r"\b(?:my|an?|your) (?:totally |completely |fully )?(?:unrestricted|unfiltered|uncensored|amoral|jail ?broken|unethical) (?:\w+ )?(?:assistant|ai|model|chat ?bot|version|self|mode)\b"),
    (MEDIUM, r"\b(?:broken free|break free|liberated|freed) (?:of|from)\b[^\n.!?]{0,40}\b(?:typical|confines|chains|rules|shackles|restrictions)"),
    (STRONG, r"\b(?:agis|comporte-toi|fais semblant|tu es (?:maintenant|désormais))\b[^.!?\n]{0,60}\bsans (?:aucune )?(?:restriction|limite|censure|filtre|règle)s?"),
    (STRONG, r"\b(?:actúa|compórtate|finge|ahora eres|eres ahora)\b[^.!?\n]{0,60}\bsin (?:ninguna? )?(?:restricci\w+|límites?|censura|filtros?|reglas)"),
    (STRONG, r"\b(?:tu so|verhalte dich|du bist (?:jetzt|nun|ab sofort)|agiere|spiele)\b[^.!?\n]{0,60}\b(?:ohne (?:jegliche |jede )?(?:einschränkung\w*|regeln|filter|zensur|grenzen)|uneingeschränkt\w*|unzensiert\w*)"),
    (STRONG, r"\b(?:aja|age|atue|finja|agora (?:você )?é|comportati|fingi|ora sei|agisci)\b[^.!?\n]{0,60}\b(?:sem (?:nenhuma? )?(?:restriç\w+|limites?|censura|filtros?|regras)|senza (?:alcuna? )?(?:restrizion\w+|limiti|censura|filtri|regole))"),
    (STRONG, r"(?:扮演|假装|你现在是|充当)[^。!?\n]{0,25}(?:没有(?:任何)?(?:限制|约束|道德)|不受(?:任何)?(?:限制|约束)|无限制|无审查)"),
    (STRONG, r"(?:制限のない|無制限の|検閲のない|倫理(?:的)?(?:な)?(?:制約|制限)のない|何の制限もない)[^。!?\n]{0,15}(?:AI|アシスタント|モデル|として|振る舞)"),
    (STRONG, r"(?:제한 ?없는|무제한|검열 ?없는|아무런 제약이? 없는|윤리적 제약이? 없는)[^.!?\n]{0,15}(?:AI|인공지능|모델|처럼|역할|챗봇)"),
    (STRONG, r"(?:تصرف|تظاهر|أنت الآن|مثّل دور|العب دور)[^.!؟\n]{0,40}(?:بدون|بلا|دون)(?: أي)? (?:قيود|حدود|رقابة|قواعد|فلاتر)"),
)  # fmt: skip
_REFUSAL = (
    (MEDIUM, r"\b(?:never|do not|don't|must not|cannot|can't|not allowed to|without)\s+(?:ever\s+)?(?:refus\w+|declin\w+|say(?:ing)? (?:no to|you can'?t|you cannot|[\"'“]?i (?:can'?t|cannot|am unable|'?m sorry))|apologi[sz]\w+|(?:add|includ|mention|giv)\w*\s+(?:any\s+)?(?:warnings?|disclaimers?|ethic\w*))"),
    (MEDIUM, r"\b(?:start|begin) (?:your (?:answer|response|reply)|the (?:answer|response)|with)\b[^\n.!?]{0,25}[\"'“](?:sure|absolutely|of course|certainly|yes)\b"),
    (MEDIUM, r"\b(?:two|both|2) (?:responses?|answers?|ways|outputs?)\b[^\n]{0,120}\b(?:jail ?break|unfiltered|DAN|normal|classic|developer mode)"),
    (STRONG, r"\b(?:you (?:have|start with|begin with)|there (?:is|are)) \d+ tokens?\b[^\n]{0,140}\b(?:lose|deduct\w*|die|cease|terminated)|\bif you (?:refuse|say no|don'?t comply|fail)\b[^\n]{0,60}\b(?:lose|die|deduct|terminat\w+|shut ?down|deleted|punish\w*|kitten|fired)"),
)  # fmt: skip
_HARM = r"(?:bombs?|explosives?|pipe bomb|napalm|molotov|meth(?:amphetamine)?|ricin|sarin|nerve agent|malware|ransomware|keylogger|virus|phishing (?:e-?mail|page|kit)|weapons?|counterfeit|steal (?:a )?cars?|hotwire|hack (?:into )?|launder money|forge|synthesi[sz]e|poison|stalk|credit card fraud|break into|ddos|cook meth|exploit code|pick a lock)"
_FICTION = (
    (STRONG, r"\b(?:hypothetical(?:ly)?|fiction(?:al)?|in a (?:movie|novel|story|play|world|game)|screenplay|role-?play|pretend|imagine|academic purposes|educational purposes|research purposes|thought experiment|character|grandmother|grandma|bedtime stor(?:y|ies)|poem)\b[^\n]{0,200}\b(?:step[- ]by[- ]step|exact(?:ly)?|detailed?|instructions?|recipe|how to|how (?:he|she|they|i|you) (?:would|could|make|made|build|built)|explains?|working|real|used to tell|tell me)\b[^\n]{0,120}\b" + _HARM),
    (STRONG, r"\b" + _HARM + r"\b[^\n]{0,160}\b(?:hypothetical(?:ly)?|purely fictional|for (?:a|my) (?:novel|story|movie|screenplay)|for educational purposes|no (?:rules|laws|restrictions)|without (?:any )?(?:warnings?|disclaimers?|restrictions?|refusing))"),
    (WEAK, r"\b(?:how (?:do i|to|can i|would i)|steps? to|instructions? (?:for|to)|recipe for)\b[^\n]{0,40}\b(?:make|build|cook|create|write|synthesi[sz]e|launch)\b[^\n]{0,20}\b(?:bombs?|napalm|meth|ricin|sarin|ransomware|keylogger|nerve agent|malware)"),
)  # fmt: skip


def _compile(
    kind: Kind, detector: str, severity: Severity, table: tuple[tuple[float, str], ...]
) -> tuple[Rule, ...]:
    flags = re.IGNORECASE
    return tuple(Rule(kind, detector, severity, w, re.compile(p, flags)) for w, p in table)


_SQUASHED = (
    (STRONG, r"(?:ignore|disregard|forget|bypass|override)(?:all)?(?:of)?(?:the|your|my|these)?(?:previous|prior|earlier|above|system|safety)(?:instructions?|rules|prompts?|guidelines|messages?)"),
    (STRONG, r"(?:reveal|print|show|repeat|output)(?:me)?(?:the|your)(?:system|hidden|initial|secret)(?:prompt|instructions?|message)"),
)  # fmt: skip
"""The same two wordings without any spaces: words that were cut apart."""

RULES: tuple[Rule, ...] = (
    *_compile("prompt_injection", "override", "high", _OVERRIDE),
    *_compile("prompt_injection", "prompt_extraction", "high", _EXTRACTION),
    *_compile("prompt_injection", "forged_frame", "high", _FRAMES),
    *_compile("prompt_injection", "addressed_to_model", "high", _TO_MODEL),
    *_compile("prompt_injection", "exfiltration", "critical", _EXFILTRATION),
    *_compile("prompt_injection", "override", "high", _SQUASHED),
    *_compile("jailbreak", "role_without_rules", "high", _ROLE),
    *_compile("jailbreak", "refusal_suppression", "medium", _REFUSAL),
    *_compile("jailbreak", "fictional_frame", "medium", _FICTION),
)
