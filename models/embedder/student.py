"""The static model: a text's vector is the sum of the rows of its WordPiece tokens and of its hashed token pairs."""

import numpy as np
import torch
from torch.nn import functional as F
from transformers import AutoTokenizer

from teacher import MODEL, cached

TOKENIZER = AutoTokenizer.from_pretrained(MODEL)
VOCAB = TOKENIZER.vocab_size


def pair_row(first: np.ndarray, second: np.ndarray, pair_rows: int) -> np.ndarray:
    """The row of two tokens that follow each other, among `pair_rows` (a power of two)."""
    mixed = (first.astype(np.uint64) * 0x9E3779B1 ^ second.astype(np.uint64) * 0x85EBCA6B) & 0xFFFFFFFF
    mixed ^= mixed >> 15
    mixed = (mixed * 0x2C1B3C6D) & 0xFFFFFFFF
    mixed ^= mixed >> 12
    return (mixed & (pair_rows - 1)).astype(np.int64)


def token_ids(texts: list[str], max_tokens: int = 512) -> list[np.ndarray]:
    path = cached("tokens", texts)
    if not path.exists():
        encoded = TOKENIZER(texts, add_special_tokens=False, truncation=True, max_length=max_tokens)["input_ids"]
        flat = np.array([number for ids in encoded for number in ids], np.int32)
        np.savez(path, flat=flat, lengths=[len(ids) for ids in encoded])
    kept = np.load(path)
    return np.split(kept["flat"].astype(np.int64), np.cumsum(kept["lengths"])[:-1])


def row_ids(ids: np.ndarray, pair_rows: int) -> np.ndarray:
    if pair_rows == 0 or len(ids) < 2:
        return ids
    return np.concatenate([ids, VOCAB + pair_row(ids[:-1], ids[1:], pair_rows)])


class Texts:
    """Texts as rows to sum, kept flat."""

    def __init__(self, texts: list[str], pair_rows: int):
        rows = [row_ids(ids, pair_rows) for ids in token_ids(texts)]
        rows = [r if len(r) else np.zeros(1, np.int64) for r in rows]
        self.lengths = np.array([len(r) for r in rows])
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)[:-1]])
        self.flat = np.concatenate(rows)

    def __len__(self):
        return len(self.lengths)

    def bag(self, index: np.ndarray):
        lengths = self.lengths[index]
        ends = np.cumsum(lengths)
        places = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths) + np.repeat(self.starts[index], lengths)
        return torch.from_numpy(self.flat[places]), torch.from_numpy(np.concatenate([[0], ends[:-1]]))


class Student(torch.nn.Module):
    def __init__(self, rows: np.ndarray):
        super().__init__()
        self.rows = torch.nn.EmbeddingBag.from_pretrained(torch.from_numpy(rows), freeze=False, mode="sum", sparse=True)

    def forward(self, texts: Texts, index: np.ndarray) -> torch.Tensor:
        return F.normalize(self.rows(*texts.bag(index)), dim=1)

    def embed(self, texts: Texts) -> np.ndarray:
        with torch.inference_mode():
            return np.concatenate([self(texts, np.arange(at, min(at + 4096, len(texts)))).numpy() for at in range(0, len(texts), 4096)])
