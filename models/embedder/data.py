"""The texts: what may train the shipped weights, and what is held out from all training."""

import json
import os
from pathlib import Path

DATA = Path(os.environ.get("VENTURI_DATA", Path(__file__).resolve().parents[3] / "shared/data"))


def fnv1a(text: str) -> int:
    """FNV-1a, 32 bits, over the UTF-8 bytes."""
    value = 0x811C9DC5
    for byte in text.encode("utf-8"):
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def held_out_intent(set_name: str, intent: str) -> bool:
    """One intent in five is never seen in training, whole."""
    return fnv1a(f"{set_name}/{intent}") % 5 == 0


def held_out_text(text: str) -> bool:
    """One text in five of the other intents is not seen either."""
    return fnv1a(text) % 5 == 0


def held_out(row: dict) -> bool:
    return held_out_intent(row["set"], row["intent"]) or held_out_text(row["text"])


def rows(name: str) -> list[dict]:
    with open(DATA / name, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def intents() -> list[dict]:
    return rows("paraphrase/intents-dev.jsonl")


def pairs(set_name: str) -> list[dict]:
    return [row for row in rows("paraphrase/pairs-dev.jsonl") if row["set"] == set_name]
