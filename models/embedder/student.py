"""The static model: a text's vector is the sum of the rows of its WordPiece tokens and of its frequent pairs of tokens."""

import numpy as np
import torch
from torch.nn import functional as F
from transformers import AutoTokenizer

from teacher import MODEL, cached

TOKENIZER = AutoTokenizer.from_pretrained(MODEL)
VOCAB = TOKENIZER.vocab_size


def pair_keys(ids: np.ndarray) -> np.ndarray:
    """Numbers of the pairs of tokens that follow each other."""
    return ids[:-1] << 16 | ids[1:]


def frequent_pairs(texts: list[np.ndarray], weights: np.ndarray, count: int) -> np.ndarray:
    """The pairs that come up most often, in rising order: these get rows of their own."""
    keys = np.concatenate([pair_keys(ids) for ids in texts])
    weight = np.repeat(weights, [max(0, len(ids) - 1) for ids in texts])
    known, place = np.unique(keys, return_inverse=True)
    total = np.bincount(place, weight)
    return np.sort(known[np.argsort(-total, kind="stable")[:count]])


def token_ids(texts: list[str], max_tokens: int = 512) -> list[np.ndarray]:
    path = cached("tokens", texts)
    if not path.exists():
        encoded = TOKENIZER(texts, add_special_tokens=False, truncation=True, max_length=max_tokens)["input_ids"]
        flat = np.array([number for ids in encoded for number in ids], np.int32)
        np.savez(path, flat=flat, lengths=[len(ids) for ids in encoded])
    kept = np.load(path)
    return np.split(kept["flat"].astype(np.int64), np.cumsum(kept["lengths"])[:-1])


def row_ids(ids: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The rows that make up a text: those of its tokens, and of its pairs as far as they have one."""
    if len(pairs) == 0 or len(ids) < 2:
        return ids
    keys = pair_keys(ids)
    place = np.minimum(np.searchsorted(pairs, keys), len(pairs) - 1)
    return np.concatenate([ids, VOCAB + place[pairs[place] == keys]])


class Texts:
    """Texts as rows to sum, kept flat."""

    def __init__(self, texts: list[str], pairs: np.ndarray):
        rows = [row_ids(ids, pairs) for ids in token_ids(texts)]
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
