// Words of which one can stand for the other without the answer changing. Written by hand; what is merely related does not belong here.

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

/** Groups of synonyms; the first word of each names it. */
export const SYNONYM_GROUPS: readonly (readonly string[])[] = SYNONYMS.split(/[|\n]/)
  .filter((line) => line !== "")
  .map((line) => line.split(" "));
