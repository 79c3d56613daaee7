"""Writes the weights as one file, and vectors of a few texts that the runtime's must equal."""

import argparse
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from student import TOKENIZER, VOCAB, row_ids

HERE = Path(__file__).resolve().parent
TEXTS = [
    "", "   ", "hello", "Turn ON the lights!", "turn off the lights", "What's my balance?", "transfer $5,000.50 to Zoë's account",
    "Ça va? Où êtes-vous né", "naïve café résumé", "ΑΒΓ ΟΔΥΣΣΕΥΣ Σ", "İstanbul ISPARTA", "Привет, мир! Ёжик", "你好，世界 hello世界", "日本語のテキスト カタカナ",
    "안녕하세요 세계", "नमस्ते दुनिया", "مرحبا بالعالم", "שלום עולם", "emoji 😀 👩‍👩‍👧 ok", "zero\u200bwidth soft\u00adhyphen", "tab\tnew\nline\r\nnbsp\u00a0end",
    "x" * 100, "x" * 101, "a" * 5000, "don't won't can't", "e-mail: a.b@c.de, https://x.y/z?q=1&r=2", "C++ vs C# vs F#", "½ ² ™ © ∑ √ ∞ ≤",
    "[CLS] [MASK] [UNK] ##ing", "unaffable embeddings tokenization", "ﬁne ﬂow Å Å é é", "e\u0301\u0301\u0301", "𝒳 𝔘𝔫𝔦 𐐀𐐨", "\ufffd\u0000\u0001ok", "—–‘’“”…", "word " * 600,
    "price is 1234567890 and 3.14159", "$ + < = > ^ ` | ~", "¥ € £ ₹", "\u3000ideographic\u3000space", "\u2028line\u2029par", "ｆｕｌｌｗｉｄｔｈ ＡＢＣ！", "ß ẞ STRASSE", "Ǆ ǅ Ŀ ŉ",
]


def reference_tokenizer() -> Tokenizer:
    """BERT's uncased tokenizer without special tokens: what a caller writes is text, whatever it looks like."""
    tokenizer = Tokenizer(models.WordPiece(TOKENIZER.get_vocab(), unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def first_units(text: str, units: int = 8192) -> str:
    return text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")


def quantise(rows: np.ndarray):
    scales = np.maximum(np.abs(rows).max(1) / 127, 1e-12).astype(np.float32)
    return scales, np.clip(np.rint(rows / scales[:, None]), -127, 127).astype(np.int8)


def write(path: Path, rows: np.ndarray, pairs: np.ndarray, version: int) -> np.ndarray:
    """Writes the file and gives the rows as it holds them."""
    words = sorted(TOKENIZER.get_vocab(), key=TOKENIZER.get_vocab().get)
    assert len(words) == VOCAB
    encoded = [word.encode("utf-16-le") for word in words]
    offsets = np.concatenate([[0], np.cumsum([len(e) // 2 for e in encoded])]).astype("<u4")
    scales, numbers = quantise(rows)
    body = offsets.tobytes() + scales.astype("<f4").tobytes() + pairs.astype("<u4").tobytes() + b"".join(encoded) + numbers.tobytes()
    header = b"VNTEMBED" + struct.pack("<7I", 1, version, rows.shape[1], VOCAB, int(offsets[-1]), len(pairs), zlib.crc32(body))
    path.write_bytes(header + body)
    return numbers * scales[:, None]


def embed(text: str, tokenizer: Tokenizer, rows: np.ndarray, pairs: np.ndarray):
    ids = np.array(tokenizer.encode(first_units(text)).ids[:512], np.int64)
    if not len(ids):
        return [], np.zeros(rows.shape[1], np.float32)
    vector = rows[row_ids(ids, pairs)].astype(np.float64).sum(0)
    return ids.tolist(), vector / max(np.linalg.norm(vector), 1e-12)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("weights")
    parser.add_argument("--version", type=int, default=1)
    parser.add_argument("--out", default=str(HERE / "venturi-embed.bin"))
    parser.add_argument("--vectors", default=str(HERE.parents[1] / "test/inference/embedders/builtin_vectors.json"))
    options = parser.parse_args()
    weights = np.load(options.weights)
    rows, pairs = weights["rows"].astype(np.float32), weights["pairs"]
    rounded = write(Path(options.out), rows, pairs, options.version)
    tokenizer = reference_tokenizer()
    cases = []
    for text in TEXTS:
        ids, vector = embed(text, tokenizer, rounded, pairs)
        cases.append({"text": text, "tokens": ids[:40], "count": len(ids), "vector": [round(float(x), 5) for x in vector[:8]]})
    # Of the rows before rounding: what rounding costs shows.
    similar = []
    vectors = [embed(text, tokenizer, rows, pairs)[1] for text in TEXTS]
    for a, b in ((3, 4), (3, 5), (7, 8), (24, 30), (2, 18)):
        similar.append({"a": a, "b": b, "similarity": round(float(vectors[a] @ vectors[b]), 4)})
    Path(options.vectors).write_text(json.dumps({"cases": cases, "similar": similar}, indent=1, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
