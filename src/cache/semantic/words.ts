// What everyday English words are worth when two texts are compared: which say nothing, which are the same as others, which
// contradict each other. Written by hand; whoever adds a word asks: can the answer be another one if only this word changes?

/** Words that change no answer: articles, auxiliaries, courtesies, fillers, and what a question or an order is introduced with. */
export const LIGHT_WORDS = new Set(
  `a an the this that these those there it its itself
i me us we you myself yourself
am are be been being is do does have has having can could would going
please pls plz kindly thanks thank thankyou thx hi hello hey ok okay alright sure oh well so just really actually basically simply quite
very too also then now currently current presently exactly literally maybe perhaps anyway still yet already hmm um uh yeah yep
sir madam bro buddy dear lol
want wants wanted wanna need needs needed wish wishing try trying tried wonder wondering wondered hope hoping able possible possibly
tell telling show showing give giving let lets know knowing known help helping assist see seeing check look looking
provide provides advise inform ask asking  happen happens get getting gets got obtain obtained seem seems seemed located require requires required heck hell damn
what which thing things stuff something anything some any such kind sort type much lot lots bit
if whether because since though although but while regarding concerning
say said here way ways
question questions exact specific particular
own`.split(/\s+/),
);

/**
 * Prepositions and particles. One that is there or not changes little ("in my account", "on my account"), but what stands after
 * it must not change places with something else, and it must not turn into its opposite.
 */
export const RELATION_WORDS = new Set(
  `to from into onto in on out off with within over than between through via toward towards for of by at as along across up down during
per about around near upon`.split(/\s+/),
);

/** Prepositions that change the answer by being there. */
export const STRICT_RELATION_WORDS = new Map(
  `before after until till:until above below beneath:below behind inside outside under underneath:under against versus vs:versus except instead
excluding:except without:not`
    .split(/\s+/)
    .map((entry) => {
      const [word, key] = entry.split(":");
      return [word!, key ?? word!];
    }),
);

/** Courtesies that are meant themselves after a verb of saying: "how do you say hello". */
export const COURTESIES = new Set(
  "hi hello hey thanks thank please sorry goodbye bye welcome yes no".split(" "),
);

/** Verbs and nouns after which a word can be meant itself. */
export const SAYING_WORDS = new Set(
  "say says translate translation spell pronounce define write word phrase mean means".split(" "),
);

/** Pronouns that end what a preposition governs: "from me to Carrie". */
export const OBJECT_PRONOUNS = new Set("me us him them".split(" "));

/** Words for how much of something, or which of its kind, is meant. */
export const SCOPE_WORDS = new Map(
  `only all every each everything everyone:everyone everybody:everyone both either more less fewer:less most least last previous next always again
another other others:other else same twice once double triple half quarter >= <= ever enough solely:only merely:only entire:whole whole entirely:whole
several few majority minority partially partly:partially fully:whole completely:whole exclusively:only alone`
    .split(/\s+/)
    .map((entry) => {
      const [word, key] = entry.split(":");
      return [word!, key ?? word!];
    }),
);

/** Words that deny. */
export const NEGATIONS = new Set(
  "not no never none nobody nothing nowhere neither nor hardly barely scarcely ain't aint non".split(" "),
);

/** Question words that ask for different things; "what" and "which" ask for what the rest says. */
export const QUESTION_WORDS = new Map([
  ["who", "?who"],
  ["whom", "?who"],
  ["whose", "?whose"],
  ["when", "?when"],
  ["where", "?where"],
  ["why", "?why"],
  ["reason", "?why"],
  ["reasons", "?why"],
  ["date", "?when"],
  ["location", "?where"],
]);

/** Words of which at most one of a kind can hold: a text that has none contradicts nobody. */
export const SLOT_WORDS = new Map<string, readonly [slot: string, value: string]>(
  `owner=first:my mine our ours|owner=second:your yours|owner=his:his|owner=her:her hers|owner=their:their theirs
person=he:he him|person=she:she|person=they:they them|tense=past:was were did had|tense=future:will shall|tense=must:must|tense=should:should|tense=may:may might|join=and:and plus|join=or:or
way=how:how ?how|deed=use:use uses using|deed=find:find finding locate`
    .split(/[|\n]/)
    .flatMap((line) => {
      const [slot, value, words] = line.split(/[=:]/);
      return words!.split(" ").map((word) => [word, [slot!, value!] as const] as const);
    }),
);

/** Phrases and what is read in their place; nothing where the phrase says nothing. */
const PHRASES = `
can you:|could you:|would you:|can i:|could i:|do you mind:|would you mind:|if possible:|as well:|of course:|by the way:
would like:|would love:|like to:to|not sure:|do not know:|no idea:|not figure out:|can not find out:|not certain:|info on:|info about:|info of:|info for:|information on:|information about:|information of:|information for:
information regarding:|details of:|details about:|details on:|details for:|details regarding:|feel free:|go ahead:|let me know:|find out:|figure out:|look up:|i am trying to:|i was wondering:|was wondering:
as soon as possible:asap|right away:asap|right now:|at the moment:|at present:|at this time:|these days:|at all:|in order to:to|so that:
thank you:|thanks in advance:|excuse me:|for me:|a bit:|a little:|a lot of:|lots of:|kind of:|sort of:
what is the way to:?how|what is the best way to:?how|what are the ways to:?how|what are the best ways to:?how|what is the right way to:?how
what is a good way to:?how|best way to:?how|is there a way to:?how|is there any way to:?how|a way to:?how|the way to:?how|ways to:?how
what is the easiest way to:?how easy|what is the fastest way to:?how fast|what is the process for:?how|what is the process to:?how
what are the steps to:?how|what steps do i take to:?how|the steps to:?how|steps to:?how|the process for:?how|the procedure for:?how
how do you:?how|how do i:?how|how can i:?how|how could i:?how|how would i:?how|how should i:?how|how does one:?how|how to:?how|how do we:?how
how can we:?how|how can you:?how|how would you:?how|how do i go about:?how|how do you go about:?how|how to go about:?how|how can i go about:?how|how i can:?how|how i could:?how|how might i:?how|how am i able to:?how
how come:?why|explain why:?why|explain how:?how|is there a reason:?why|is there any reason:?why|what is the reason why:?why|reason why:?why|what for:?why|for what reason:?why|what is the reason:?why|what are the reasons:?why|what was the reason:?why|the reason why:?why|what causes:?why
what caused:?why|what made:?why|what time:?when|what day:?when|what date:?when|which day:?when|what year:?when year|at what time:?when|on what day:?when
what is the date of:?when|what place:?where|which place:?where|what location:?where|in what place:?where|which person:?who|what person:?who
how many:amount|how much:amount|how much money:amount money|how much is:price|how much does:price|how much do:price|how much are:price|how much will:price
how much would:price|how much did:price|how long:duration|what length of time:duration|how far:distance|how old:age|how often:frequency|how soon:?when|how frequently:frequency|how tall:height
how high:height|how big:size|how large:size|how fast:speed|how quickly:speed|how heavy:weight|how hot:temperature|how cold:temperature
no longer:not|not any longer:not|not anymore:not|not any more:not|any longer:|any more:|anymore:|unable:not|incapable:not|impossible:not|not possible:not
not able:not|is there no:not|cannot:not|other than:except|apart from:except|aside from:except|with the exception of:except|except for:except
instead of:instead|rather than:instead|in place of:instead|as opposed to:instead
at least:>=|at minimum:>=|no less than:>=|not less than:>=|no fewer than:>=|or more:>=|at most:<=|at maximum:<=|no more than:<=|not more than:<=|up to:<=
or less:<=|or fewer:<=|more than:more|less than:less|fewer than:less|greater than:more|bigger than:more|larger than:more|smaller than:less|lower than:less|higher than:more
have to:must|has to:must|had to:must|ought to:should|am supposed to:should|be allowed to:|am i allowed to:|are we allowed to:|is it allowed to:|is it ok to:|is it okay to:|is it possible to:|is it possible:|it possible to:
need to:|going to:will|am going to:will|used to:was|going on:
log in:login|log into:login|logging in:login|logged in:login|sign in:login|signing in:login|signed in:login|log on:login|log out:logout|log off:logout|sign out:logout|sign off:logout
logging out:logout|signing out:logout|check in:checkin|checking in:checkin|check out:checkout|checking out:checkout|opt in:optin|opt out:optout|sign up:register|signing up:register|signed up:register|set up:setup|setting up:setup|top up:topup|topping up:topup|topped up:topup|top ups:topup
shut down:shutdown|shut off:turn off|shutting off:turn off|shuts off:turn off|up to date:current|to date:current
power on:turn on|power off:turn off
get rid of:remove|call off:cancel|calling off:cancel|give back:return|pay back:repay|take off:takeoff|put off:postpone|pick up:pickup|hang up:hangup|break down:breakdown
set off:depart|wake up:wake|wakes up:wake|wake me up:wake|hurry up:hurry|speed up:accelerate|slow down:decelerate|back up:backup|write down:write|throw away:discard
make sure:ensure|take place:occur|carry out:perform|point out:mention|talk about:discuss|deal with:handle|look for:search|looking for:search|look forward:anticipate
come from:origin|comes from:origin|came from:origin|end up:|each other:|one another:|wi fi:wifi|e mail:email|e mails:email|web site:website|on line:online|off line:offline
cell phone:phone|mobile phone:phone|cellphone:phone|united states of america:usa|united states:usa|the us:usa|united kingdom:uk|great britain:uk|new york city:nyc
credit cards:credit card|debit cards:debit card|all of:all|each of:each|every single:every|the same:same|a couple of:couple
artificial intelligence:ai|machine learning:ml|large language model:llm|large language models:llm|personal computer:pc|television:tv|tv set:tv|user name:username
pass word:password|pass code:passcode|data base:database|time zone:timezone|check list:checklist|to do list:todo
`;

/** Words that are one and the same for an answer. The first names the rest; inflections follow by themselves. */
const SYNONYMS = `
turn switch flip toggle|purchase buy|sell|phone telephone cellphone smartphone|photo photograph picture pic|car automobile|movie film|tv television telly|bike bicycle
begin start commence|end finish|stop halt cease|fix repair mend|error mistake|problem issue trouble|answer reply respond response|large big huge enormous
small little tiny|quick fast rapid rapidly quickly swiftly|difficult hard tough|easy simple|correct right|wrong incorrect|glad happy|sad unhappy
smart intelligent clever|rich wealthy|sick ill|pretty beautiful gorgeous|scared afraid frightened|tired exhausted|angry mad|strange weird odd|funny humorous|important crucial essential
choose pick select|create make build generate|delete remove erase|modify change alter adjust|improve enhance|increase raise|decrease reduce lower|acquire
show display|use utilize utilise using usage|attempt|permit allow let|forbid prohibit ban|ask request inquire enquire|require|talk speak chat|discuss|explain describe|summarize summarise sum
translate|write compose|convert|calculate compute|compare|contrast|combine merge|split divide|join connect|assist aid|begin|gather collect|search seek|discover
kid child|man|woman|guy|boss manager|job occupation|doctor physician dr|lawyer attorney|teacher instructor|student pupil|firm company business corporation|shop store|street road
house home|apartment flat|city town|country nation|garbage trash rubbish|couch sofa|gift present|holiday vacation|trip journey|luggage baggage|elevator lift|gas petrol gasoline
cash money fund|salary pay wage paycheck|bill invoice|price cost costs|fee charge|refund reimburse reimbursement|repay|payment|transaction|transfer|withdraw withdrawal|deposit|balance
cancel cancellation cancelling cancelled canceling|activate activation|deactivate deactivation|verify verification|identify identification|identity|register registration enroll enrol enrollment|subscribe subscription
deliver delivery|ship shipping|arrive arrival|depart departure|receive receipt|pend pending|decline|reject|approve approval|confirm confirmation|reserve reservation book booking|schedule
meet meeting|appointment|reminder remind|alarm|calendar|event|email mail e-mail|info information detail details data|message text sms|password passcode passphrase|login|account acct accounts|app application|program|laptop notebook|computer pc
website site webpage|internet web|document doc|file|folder directory|picture|video|song track tune|music|game|play|listen hear|watch view|read|learn study|teach|understand comprehend
definition define meaning mean means|difference differ different distinguish differentiate|advantage benefit pro|disadvantage drawback downside con|example instance|reason cause|result outcome consequence|effect impact|method technique|tip advice suggestion hint
idea|opinion view thought|fact|name|age|height tall|weight weigh|length long|width wide|depth deep|size|speed|distance far|temperature temp|color colour|shape|number amount quantity no.
capital|population|inhabitant resident|leader|president|minister|king|queen|author writer|inventor invent|founder found|owner own|ingredient|recipe|dish|meal|breakfast|lunch|dinner supper|restaurant|food
exercise workout|diet|lose|gain|sleep|wake|dream|headache|pain ache hurt|medicine medication drug|hospital|vaccine vaccination|symptom sign|treatment treat cure|disease illness
weather|forecast|rain rainy|snow snowy|sun sunny|cloud cloudy|wind windy|storm|location place whereabouts|address|route|direction|traffic|flight|train|bus|taxi cab|airport|hotel|ticket|passport|visa|luggage
favourite favorite|center centre|theater theatre|organize organise|realize realise|analyze analyse analysis|behavior behaviour|neighbor neighbour|labor labour|gray grey|license licence|defense defence|program programme|cheque
tyre tire|catalog catalogue|dialog dialogue|traveling travelling travel|modeling modelling|optimize optimise optimization optimisation|recognize recognise|customize customise|personalize personalise|prioritize prioritise|minimize minimise|maximize maximise
best greatest finest optimal|great excellent awesome superb|good nice fine|bad poor terrible awful|new latest|old|famous popular well-known|safe secure|danger dangerous unsafe|common usual typical|rare|main primary principal major key
enough sufficient|whole entire|each every all everyone everybody everything|several|many numerous multiple|often frequently|immediately asap instantly|later afterwards|soon shortly|almost nearly|approximately approx roughly|usa america us·|uk britain|nyc
occur happen|max maximum|min minimum|extra additional|function work|limit limitation restriction|convert conversion|origin originate|car vehicle|great fantastic|gas fuel|upcoming|change edit|end complete|yes yeap yep yeah|more further|someone somebody|anyone anybody|live reside|house home|expire expiration expiry|reset restore|accept acceptable|cancel cancelable|withdraw withdrawl|perform execute run|ensure guarantee|mention|handle|accelerate|decelerate|ai|ml|llm|username|join|quit resign|hire recruit|fire dismiss|fail failure|succeed success successful|win|allow|deny refuse|admit|accept|agree|disagree
function|code|bug|library lib|install installation|uninstall|update upgrade|download|upload|import|export|database db|server|client|config configuration|parameter param|argument arg|variable var|repository repo|directory|environment env
require requirement|expensive costly pricey|cheap inexpensive affordable|close shut|open|lock|unlock|block|unblock|freeze|unfreeze|enable|disable|connect|disconnect|attach|detach|send|forward|share|post publish|hide|load|copy duplicate|paste|cut|undo|redo|print|scan
`;

/** Pairs of which one denies or reverses the other. */
const ANTONYMS = `
on off|on up|on down|off up|out on|out up|off down|in out|up down|into out|to from|before after|above below|over under|inside outside|indoors outdoors|upstairs downstairs|front back|forward backward|forwards backwards|ahead behind|left right
open close|lock unlock|block unblock|freeze unfreeze|start stop|begin end|start end|begin stop|stop continue|pause resume|enable disable|activate deactivate|connect disconnect|attach detach|login logout|checkin checkout|optin optout|register unregister|register unsubscribe
subscribe unsubscribe|install uninstall|mute unmute|hide show|hide display|show conceal|reveal conceal|follow unfollow|like dislike|friend unfriend|pin unpin|archive unarchive|zip unzip|compress decompress|encrypt decrypt|encode decode
serialize deserialize|import export|upload download|push pull|send receive|give take|lend borrow|buy sell|purchase sell|pay receive|deposit withdraw|credit debit|earn spend|save spend|hire fire|employ dismiss|join leave|join quit
enter exit|enter leave|arrive leave|arrive depart|come go|stay leave|accept reject|accept decline|accept refuse|approve reject|approve deny|approve decline|allow forbid|allow deny|allow block|allow prevent|permit forbid|grant revoke|grant deny|confirm deny
confirm cancel|book cancel|create delete|create destroy|build destroy|build demolish|add remove|add subtract|add delete|insert remove|insert delete|multiply divide|increase decrease|raise lower|rise fall|grow shrink|expand shrink|expand contract
widen narrow|lengthen shorten|accelerate decelerate|speed slow|inflate deflate|gain lose|win lose|find lose|succeed fail|pass fail|remember forget|learn forget|teach learn|ask answer|question answer|love hate|like hate|praise criticize
attack defend|help harm|help hinder|heal hurt|cure cause|cause prevent|support oppose|agree disagree|trust distrust|believe doubt|respect disrespect|appear disappear|obey disobey|cover uncover|load unload|pack unpack|dress undress|tie untie|fold unfold
wrap unwrap|plug unplug|do undo|undo redo|wake sleep|sit stand|laugh cry|live die|born die|birth death|marry divorce|attract repel|absorb emit|freeze melt|freeze thaw|heat cool|boil freeze|warm cool|dry wet|fill empty|tighten loosen
strengthen weaken|simplify complicate|clarify confuse|include exclude|maximize minimize|max min|maximum minimum|most least|more less|more fewer|many few|much little|all none|all some|every no|every none|some none|both neither|both either|either neither|always never|always sometimes|often rarely|often seldom
usually rarely|ever never|with without|yes no|true false|right wrong|correct incorrect|valid invalid|legal illegal|possible impossible|able unable|capable incapable|visible invisible|regular irregular|rational irrational|responsible irresponsible|relevant irrelevant
mature immature|moral immoral|mortal immortal|patient impatient|perfect imperfect|polite impolite|polite rude|proper improper|pure impure|complete incomplete|dependent independent|direct indirect|formal informal|secure insecure|sane insane|sensitive insensitive
tolerant intolerant|accurate inaccurate|active inactive|active passive|adequate inadequate|appropriate inappropriate|available unavailable|aware unaware|certain uncertain|clear unclear|comfortable uncomfortable|common uncommon|common rare|conscious unconscious
expected unexpected|fair unfair|familiar unfamiliar|fortunate unfortunate|happy sad|happy unhappy|healthy unhealthy|healthy sick|important unimportant|known unknown|likely unlikely|limited unlimited|lucky unlucky|married single|married unmarried|necessary unnecessary|official unofficial
paid unpaid|pleasant unpleasant|popular unpopular|read unread|real unreal|real fake|real imaginary|reliable unreliable|safe unsafe|safe dangerous|signed unsigned|stable unstable|successful unsuccessful|sure unsure|used unused|usual unusual|verified unverified|wanted unwanted
honest dishonest|loyal disloyal|satisfied dissatisfied|similar different|similar dissimilar|same different|same opposite|same other|advantage disadvantage|pro con|benefit harm|benefit risk|benefit drawback|benefit disadvantage|strength weakness|asset liability|profit loss|income expense|revenue expense
revenue cost|surplus deficit|supply demand|import export|buyer seller|lender borrower|landlord tenant|employer employee|teacher student|doctor patient|parent child|mother father|mother daughter|father son|brother sister|husband wife|boy girl|man woman|male female|uncle aunt
nephew niece|king queen|prince princess|host guest|winner loser|predator prey|ancestor descendant|friend enemy|ally enemy|hero villain|master slave|leader follower|first last|first second|next previous|next last|former latter|early late|earlier later|earliest latest|earlier latest|new old
newest oldest|young old|younger older|youngest oldest|modern ancient|recent old|past future|today tomorrow|today yesterday|yesterday tomorrow|day night|morning evening|sunrise sunset|dawn dusk|noon midnight|summer winter|spring autumn|spring fall|north south|east west|northern southern
eastern western|top bottom|upper lower|high low|higher lower|highest lowest|tall short|taller shorter|tallest shortest|long short|longer shorter|longest shortest|big small|bigger smaller|biggest smallest|large small|larger smaller|largest smallest|great small|major minor|wide narrow|wider narrower
thick thin|thicker thinner|fat thin|deep shallow|heavy light|heavier lighter|heaviest lightest|strong weak|stronger weaker|strongest weakest|hard soft|hard easy|harder easier|hardest easiest|difficult easy|simple complex|simple complicated|fast slow|faster slower|fastest slowest|quick slow
rapid slow|hot cold|hotter colder|hottest coldest|warm cold|warmer cooler|warmest coldest|bright dark|bright dim|brighter darker|brighten dim|light dark|loud quiet|louder quieter|noisy quiet|good bad|better worse|best worst|rich poor|richer poorer|richest poorest|cheap expensive
cheaper dearer|cheapest dearest|free paid|full empty|clean dirty|sharp blunt|sharp dull|smooth rough|sweet sour|sweet bitter|sweet salty|fresh stale|fresh rotten|fresh frozen|raw cooked|alive dead|awake asleep|brave cowardly|generous stingy|kind cruel|smart stupid|wise foolish|guilty innocent
public private|internal external|interior exterior|inner outer|local remote|local global|local foreign|domestic foreign|domestic international|national international|online offline|synchronous asynchronous|static dynamic|mutable immutable|read write|readable writable|input output|client server|frontend backend|source target
source destination|sender recipient|sender receiver|parent child|head tail|prefix suffix|row column|horizontal vertical|positive negative|even odd|plus minus|sum difference|numerator denominator|integer fraction|linear nonlinear|finite infinite|convex concave|odd even|singular plural|vowel consonant|acid base|solid liquid|liquid gas
analog digital|manual automatic|wired wireless|optional required|optional mandatory|voluntary mandatory|voluntary compulsory|permanent temporary|fixed variable|fixed floating|active inactive|primary secondary|majority minority|quality quantity|theory practice|cause effect|problem solution|question answer|attack defense|war peace
victory defeat|success failure|love hate|hope despair|trust fear|truth lie|fact fiction|heaven hell|sender receiver|departure arrival|entrance exit|ascent descent|ascending descending|increase reduction|growth decline|rise decline|boom bust|bull bear|bullish bearish|long short|call put|ask bid|gross net|fiction nonfiction
vegetarian meat|vegan meat|alcoholic nonalcoholic|indoor outdoor|urban rural|coastal inland|left-handed right-handed|clockwise counterclockwise|clockwise anticlockwise|inbound outbound|incoming outgoing|inward outward|inhale exhale|innocent guilty|present absent|presence absence|visible hidden|victim culprit|plaintiff defendant|prosecution defense
postpone advance|zoom shrink|approach avoid|seek avoid|recommend avoid|encourage discourage|encourage prevent|promote demote|promote hinder|appoint dismiss|elect depose|wax wane|sow reap|float sink|arrive miss|catch miss|hit miss|acquit convict|abundant scarce|accidental intentional|amateur professional|ancient modern|artificial natural
beginning end|beginner expert|beginner advanced|basic advanced|novice expert|junior senior|child adult|minor adult|boring interesting|calm agitated|careful careless|cautious reckless|comedy tragedy|compatible incompatible|compulsory optional|constructive destructive|useful useless|helpful harmful|harmful harmless|hopeful hopeless|painful painless
meaningful meaningless|fearful fearless|powerful powerless|employed unemployed|eligible ineligible|effective ineffective|efficient inefficient|evil good|exact approximate|exclusive inclusive|fertile barren|flexible rigid|gradual sudden|humble proud|introvert extrovert|lazy hardworking|literal figurative|maternal paternal|monolith microservice|mono stereo
must may|must might|should must|should may|required forbidden|mandatory forbidden|only also|refundable nonrefundable|taxable nontaxable|day weekend|weekday weekend|won lost|asc desc|started finished|incoming outgoing|stationary moving|odd even|lose keep|keep discard|keep delete|retain discard|save delete|save discard|reset keep|copy move
`;

/** Function words besides the light ones that people know; typing errors of an unknown word are looked for among known ones. */
const OTHER_KNOWN_WORDS = `because should through without between before after another please something anything everything nothing
favorite tomorrow yesterday weather account balance transfer payment restaurant reservation schedule reminder calendar meeting password
insurance language shopping question information temperature university government business customer different difference important
computer internet software hardware keyboard mountain hospital medicine birthday vacation passport security identity available
recommend recommendation suggestion explain explanation calculate calculation definition translate translation summarize summary
`;

function lines(table: string): string[] {
  return table.split(/[|\n]/).filter((line) => line !== "");
}

/** Phrases by their words, with what is read instead. */
export const PHRASE_LIST: readonly (readonly [readonly string[], readonly string[]])[] = lines(PHRASES).map(
  (line) => {
    const [phrase, instead] = line.split(":");
    return [phrase!.split(" "), instead!.split(" ").filter((word) => word !== "")] as const;
  },
);

/** Groups of synonyms; the first word of each names it. */
export const SYNONYM_GROUPS: readonly (readonly string[])[] = lines(SYNONYMS).map((line) => line.split(" "));

/** Pairs of antonyms. */
export const ANTONYM_PAIRS: readonly (readonly [string, string])[] = lines(ANTONYMS).map((line) => {
  const [one, other] = line.split(" ");
  return [one!, other!];
});

/** Words that are spelled right, for telling typing errors. */
export const KNOWN_WORDS: readonly string[] = OTHER_KNOWN_WORDS.split(/\s+/).filter((word) => word !== "");
