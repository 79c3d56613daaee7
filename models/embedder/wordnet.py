"""WordNet 3.0: sentences that define every common word, its synonyms and its antonyms."""

import os
import re
from collections import defaultdict
from pathlib import Path

WORDNET = Path(os.environ.get("VENTURI_WORDNET", "/usr/share/wordnet"))
PARTS = ("noun", "verb", "adj", "adv")
TAGS = {"n": "noun", "v": "verb", "a": "adj", "s": "adj", "r": "adv"}


def synsets(part: str):
    """Yields (offset, words, pointers, gloss) for each synset of a part of speech."""
    with open(WORDNET / f"data.{part}", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("  "):
                continue
            head, _, gloss = line.partition(" | ")
            fields = head.split()
            count = int(fields[3], 16)
            words = [re.sub(r"\(.*?\)", "", word).replace("_", " ") for word in fields[4 : 4 + 2 * count : 2]]
            at = 4 + 2 * count
            pointers = [tuple(fields[at + 1 + 4 * i : at + 5 + 4 * i]) for i in range(int(fields[at]))]
            yield fields[0], words, pointers, gloss.strip()


def sentences() -> list[str]:
    """Each synset's definition with its first word, and its example sentences."""
    out = []
    for part in PARTS:
        for _, words, _, gloss in synsets(part):
            definition, *examples = re.split(r';\s*"', gloss)
            out.append(f"{words[0]}: {definition.split(';')[0]}")
            out.extend(example.strip(' "') for example in examples)
    return [text for text in dict.fromkeys(out) if 8 <= len(text) <= 200]


def antonyms() -> dict[str, list[str]]:
    """Single words and their antonyms, both ways."""
    names: dict[tuple[str, str], list[str]] = {}
    pointers = []
    for part in PARTS:
        for offset, words, links, _ in synsets(part):
            names[part, offset] = words
            pointers += [(words, *link) for link in links if link[0] == "!"]
    out = defaultdict(set)
    for words, _, offset, tag, places in pointers:
        source, target = int(places[:2], 16), int(places[2:], 16)
        other = names[TAGS[tag], offset]
        if source and target:
            a, b = words[source - 1].lower(), other[target - 1].lower()
            if a.isalpha() and b.isalpha():
                out[a].add(b)
    return {word: sorted(others) for word, others in out.items()}
