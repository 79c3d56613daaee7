// Phrases that mean what one word means, or nothing: read in place of them before words are looked up.

/** `phrase:what is read instead`. A word that begins with ? asks. */
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

/** Phrases by their words, with what is read instead. */
export const PHRASE_LIST: readonly (readonly [readonly string[], readonly string[]])[] = PHRASES.split(
  /[|\n]/,
)
  .filter((line) => line !== "")
  .map((line) => {
    const [phrase, instead] = line.split(":");
    return [phrase!.split(" "), instead!.split(" ").filter((word) => word !== "")] as const;
  });
