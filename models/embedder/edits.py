"""One-edit variants of a text: those that change its answer, and those that do not."""

import random
import re

import wordnet

OPPOSITES = [
    "on off", "up down", "in out", "before after", "with without", "more less", "start stop", "enable disable",
    "increase decrease", "open close", "add remove", "buy sell", "first last", "next previous", "send receive", "accept reject",
    "allow block", "lock unlock", "mute unmute", "raise lower", "cancel confirm", "activate deactivate", "high low", "hot cold",
    "morning evening", "today tomorrow", "yesterday tomorrow", "always never", "can can't", "is isn't", "do don't", "does doesn't",
    "did didn't", "should shouldn't", "will won't", "was wasn't", "are aren't", "have haven't", "could couldn't", "all none",
    "new old", "same different", "deposit withdraw", "credit debit", "best worst", "good bad", "early late", "above below",
    "over under", "inside outside", "import export", "upload download", "install uninstall", "subscribe unsubscribe",
    "include exclude", "true false", "yes no", "login logout", "win lose", "left right", "north south", "east west", "max min",
    "maximum minimum", "cheapest priciest", "shortest longest", "fastest slowest", "son daughter", "mother father", "lend borrow",
    "push pull", "encrypt decrypt", "incoming outgoing", "arrival departure", "arrive depart", "ascending descending", "gain loss",
    "profit loss", "pay owe", "free paid", "public private", "before since", "possible impossible", "able unable", "legal illegal",
]
CLASSES = [
    "monday tuesday wednesday thursday friday saturday sunday",
    "january february march april june july august september october november december",
    "one two three four five six seven eight nine ten twelve fifteen twenty thirty forty fifty hundred thousand million",
    "first second third fourth fifth",
    "second minute hour day week month year decade",
    "seconds minutes hours days weeks months years",
    "spanish french german italian chinese japanese korean russian portuguese arabic hindi english dutch swedish polish greek turkish",
    "spain france germany italy china japan korea russia portugal india canada mexico brazil england australia egypt turkey greece "
    "sweden norway poland ireland israel iran kenya cuba chile peru argentina vietnam thailand",
    "london paris berlin rome tokyo moscow madrid chicago boston seattle denver dallas houston miami atlanta austin phoenix detroit "
    "philadelphia sydney toronto dublin vienna amsterdam delhi mumbai beijing",
    "dollar euro pound yen rupee peso franc", "dollars euros pounds yen rupees pesos francs", "usd eur gbp jpy inr cad aud chf",
    "red blue green yellow purple orange pink white black brown grey",
    "visa mastercard amex", "car truck bus train plane bike boat", "dog cat horse bird fish rabbit",
    "john mary david sarah michael emma james anna robert laura peter lisa mark julia paul alice tom jane bob susan kevin karen",
    "kilometers miles meters feet inches yards", "kilograms pounds grams ounces", "celsius fahrenheit kelvin",
    "rock jazz pop blues metal country classical reggae", "pizza pasta rice chicken beef soup salad bread cake sushi tacos",
    "python java javascript ruby rust go php swift kotlin perl", "mother father sister brother uncle aunt cousin wife husband son daughter",
    "breakfast lunch dinner", "spring summer autumn winter", "google apple amazon microsoft facebook netflix uber spotify",
    "checking savings", "bedroom kitchen bathroom garage office", "percent dollars", "cups tablespoons teaspoons liters gallons",
]
WORD = re.compile(r"[a-z0-9']+")
SKIP = {"i", "a", "an", "the", "my", "me", "man", "men", "have", "be", "get", "take", "go", "come", "will", "here", "there", "now", "then", "any"}


def tables():
    """Words to their opposites, and words to others of their class."""
    opposite: dict[str, list[str]] = {}
    for pair in OPPOSITES:
        a, b = pair.split()
        opposite.setdefault(a, []).append(b)
        opposite.setdefault(b, []).append(a)
    for word, others in wordnet.antonyms().items():
        if word not in opposite and word not in SKIP and len(word) > 2:
            opposite[word] = others
    classes = {}
    for line in CLASSES:
        words = line.split()
        for word in words:
            classes.setdefault(word, [other for other in words if other != word])
    return opposite, classes


class Editor:
    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.opposite, self.classes = tables()

    def harmful(self, text: str) -> list[str]:
        """Up to three edits, each of another kind, that change what is asked."""
        low = text.lower()
        spots = [(match.start(), match.end(), match.group()) for match in WORD.finditer(low)]
        kinds = []
        for pick in (self.opposite, self.classes):
            options = [spot for spot in spots if spot[2] in pick]
            if options:
                start, end, word = self.random.choice(options)
                kinds.append(low[:start] + self.random.choice(pick[word]) + low[end:])
        numbers = [spot for spot in spots if spot[2].isdigit()]
        if numbers:
            start, end, word = self.random.choice(numbers)
            other = str(max(1, int(word[:9]) * self.random.choice([2, 3, 10]) + self.random.choice([0, 1, 5])))
            kinds.append(low[:start] + other + low[end:])
        negated = self.negated(low)
        if negated:
            kinds.append(negated)
        return kinds

    def negated(self, low: str) -> str | None:
        for word in (" not ", "n't ", " never "):
            if word in low:
                return low.replace(word, " ", 1)
        for verb in self.random.sample([" is ", " are ", " can ", " do ", " does ", " will ", " should ", " have ", " was ", " to ", " i "], 11):
            if verb in low:
                at = low.index(verb) + len(verb)
                return low[:at] + self.random.choice(["not ", "not ", "never "]) + low[at:]
        return None

    def harmless(self, text: str) -> str:
        """An edit that leaves what is asked as it was: politeness, a typing slip, a dropped article."""
        low = text.lower().strip()
        kind = self.random.randrange(5)
        if kind == 0:
            return self.random.choice(["please ", "hey ", "hi, ", "ok ", "hello ", "um ", "can you tell me ", "i want to know "]) + low
        if kind == 1:
            return low + self.random.choice([" please", " thanks", "?", "!", " thank you", ", please", " now please"])
        if kind == 2:
            return re.sub(r"\b(the|a|an) ", "", low, count=1) or low
        spots = [match for match in WORD.finditer(low) if len(match.group()) > 4 and match.group().isalpha()]
        if kind == 3 and spots:
            match = self.random.choice(spots)
            word, at = match.group(), self.random.randrange(1, len(match.group()) - 2)
            slipped = word[:at] + self.random.choice([word[at + 1] + word[at] + word[at + 2 :], word[at + 1 :]])
            return low[: match.start()] + slipped + low[match.end() :]
        for long, short in (("what is", "what's"), ("i am", "i'm"), ("i would", "i'd"), ("how do i", "how can i"), ("is it", "is there"), ("can you", "could you")):
            if long in low:
                return low.replace(long, short, 1)
            if short in low:
                return low.replace(short, long, 1)
        return low
