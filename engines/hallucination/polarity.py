"""Negation, opposites, quantifiers and modality: words that turn a statement round."""

from __future__ import annotations

NEGATIONS = frozenset(
    """not no never none nobody nothing neither nor without cannot hardly barely unable fail fails
    failed lack lacks lacked lacking refuse refuses refused deny denies denied unlikely isn't
    aren't wasn't weren't don't doesn't didn't won't wouldn't can't couldn't shouldn't hasn't
    haven't hadn't n't zero despite""".split()
)
EXACTNESS = frozenset(
    """all every always only never entirely completely exclusively solely must guaranteed
    none nobody everyone everybody everything unanimously any most majority few
    little rarely""".split()
)
MODALS = frozenset(
    """may might could would should can possibly perhaps probably likely potentially
    reportedly allegedly seem seems appear appears expect expects expected plan plans planned
    consider considering hope hopes""".split()
)
_PAIRS = """
increase decrease|increase reduce|increase decline|increase drop|increase fall|rise fall
rise drop|rise decline|grow shrink|grow decline|growth decline|gain loss|gain lose|win lose
win defeat|win loss|victory defeat|up down|upward downward|high low|higher lower|highest lowest
raise lower|raise cut|more less|more fewer|most least|most few|many few|much little|large small
larger smaller|largest smallest|big small|major minor|great small|long short|longer shorter
longest shortest|old young|old new|older younger|oldest youngest|oldest newest|early late
earlier later|earliest latest|first last|before after|begin end|start end|start stop
start finish|open close|open shut|opening closing|launch cancel|accept reject|accept refuse
approve reject|approve deny|agree disagree|agreement disagreement|agree refuse|allow forbid
allow prohibit|allow ban|allow prevent|permit forbid|legal illegal|lawful unlawful
guilty innocent|convict acquit|arrest release|confirm deny|admit deny|support oppose
support criticise|support criticize|support reject|praise criticise|praise criticize
praise condemn|love hate|like dislike|positive negative|good bad|better worse|best worst
success failure|successful unsuccessful|succeed fail|effective ineffective|efficient inefficient
strong weak|stronger weaker|strength weakness|strengthen weaken|improve worsen
improve deteriorate|improvement deterioration|improve degrade|advantage disadvantage
benefit harm|beneficial harmful|safe dangerous|safe unsafe|easy difficult|easy hard
simple complex|simple complicated|fast slow|faster slower|quickly slowly|hot cold|warm cool
warm cold|heat cool|wet dry|rich poor|expensive cheap|expensive inexpensive|free paid|buy sell
purchase sell|bought sold|import export|borrow lend|hire fire|employ dismiss|join leave
enter exit|arrive depart|arrive leave|come go|push pull|give take|send receive|offer refuse
male female|man woman|men women|boy girl|father mother|son daughter|brother sister|husband wife
uncle aunt|king queen|actor actress|he she|his her|him her|north south|northern southern
east west|eastern western|left right|inside outside|above below|over under|front back|top bottom
near far|internal external|domestic foreign|domestic international|local national|local global
public private|formal informal|common rare|common uncommon|frequent rare|often rarely
always never|sometimes never|usual unusual|usually rarely|normal abnormal|regular irregular
possible impossible|able unable|likely unlikely|certain uncertain|clear unclear|known unknown
famous unknown|popular unpopular|happy sad|happy unhappy|satisfied dissatisfied
pleased displeased|live die|alive dead|born died|birth death|survive die|build destroy
create destroy|construct demolish|include exclude|including excluding|add remove|add subtract
attach detach|connect disconnect|present absent|attend miss|visible invisible|true false
correct incorrect|right wrong|real fake|natural artificial|natural synthetic
supervised unsupervised|active inactive|active passive|online offline|maximum minimum
maximise minimise|maximize minimize|upper lower|single multiple|single married|same different
similar different|equal unequal|identical different|inflation deflation|profit loss
profitable unprofitable|surplus deficit|revenue cost|asset liability|bull bear
optimistic pessimistic|confident doubtful|encourage discourage|motivate discourage
enable disable|enable prevent|cause prevent|help hinder|help hurt|solve worsen|attack defend
war peace|enemy friend|ally enemy|victim suspect|victim attacker|hero villain|remember forget
find lose|discover hide|reveal hide|reveal conceal|show hide|show conceal|expand contract
expand shrink|extend shorten|widen narrow|broad narrow|deep shallow|thick thin|full empty
heavy light|light dark|bright dark|day night|summer winter
spring summer|spring autumn|spring winter|summer autumn|autumn winter
sunrise sunset|morning evening
morning afternoon|indoor outdoor|urban rural|modern ancient|modern traditional|new traditional
novel conventional|novel existing|voluntary mandatory|voluntary compulsory|optional mandatory
optional required|temporary permanent|partial complete|partial full|partially fully
majority minority|direct indirect|directly indirectly|explicit implicit|absolute relative
abstract concrete|linear nonlinear|sparse dense|continuous discrete|deterministic stochastic
deterministic random|comprehensive limited|basic premium|standard premium|standard basic
comprehensive basic|interested uninterested|decline accept|willing unwilling|with without
outperform underperform|exceed miss|overestimate underestimate|advance retreat|ahead behind
forward backward|together apart|unite divide|merge split|majority few|inner outer|senior junior
parent child|parents children|teacher student|doctor patient|buyer seller|client agent
employer employee|landlord tenant|lender borrower|winner loser|host guest|plaintiff defendant
prosecution defence|prosecution defense|democrat republican|liberal conservative
left-wing right-wing|upgrade downgrade|accelerate slow|accelerate decelerate|boost reduce
boost hinder|boost cut|ascend descend|ascent descent|arrival departure|entry exit|credit debit
deposit withdraw|deposit withdrawal|lock unlock|load unload|encrypt decrypt|secure insecure
stable unstable|sufficient insufficient|adequate inadequate|complete incomplete
perfect imperfect|competent incompetent|experienced inexperienced|responsible irresponsible
reliable unreliable|relevant irrelevant|significant insignificant|important unimportant
necessary unnecessary|healthy sick|healthy unhealthy|well ill|vaccinated unvaccinated
armed unarmed|authorized unauthorized|qualified unqualified|expected unexpected
conscious unconscious|accurate inaccurate|static dynamic|standard custom|customer agent
double halve|stability instability|useful useless|official unofficial
"""


def _opposites() -> dict[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for pair in _PAIRS.strip().replace("\n", "|").split("|"):
        one, other = pair.split()
        table.setdefault(one, set()).add(other)
        table.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in table.items()}


OPPOSITES = _opposites()

# Irregular pasts of the verbs above.
PAST: dict[str, str] = {
    past: base
    for past, base in (
        pair.split(":")
        for pair in (
            "fell:fall rose:rise risen:rise grew:grow grown:grow shrank:shrink shrunk:shrink "
            "won:win lost:lose bought:buy sold:sell began:begin begun:begin came:come went:go "
            "gone:go took:take taken:take gave:give given:give sent:send left:leave lent:lend "
            "built:build forgot:forget found:find hid:hide hidden:hide forbade:forbid "
            "forbidden:forbid withdrew:withdraw withdrawn:withdraw"
        ).split()
    )
}
