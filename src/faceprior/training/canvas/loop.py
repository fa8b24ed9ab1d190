"""One run of the canvas: a folder with checkpoints/, metrics.jsonl and canvas.safetensors (the averaged weights).

The same command goes on where a run was stopped or killed. Batches are drawn by their number, so nothing of the
random state has to be kept.
"""

import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...dataset.rough import Chances
from ...errors import FacepriorError
from ...networks.canvas import Canvas
from ...networks.weights import read_header, save_model
from ..checkpoint import Checkpoints
from ..given import CANVAS, load_canvas
from ..journal import Journal
from ..lock import RunLock
from ..muon import Muon, hidden_weights
from ..optim import Average
from ..stopping import StopRequest
from .config import FREE_ON_RESUME, CanvasTraining
from .pictures import Batches, FaceSplit, load_pictures
from .validate import Validation

# Files above all. Blur is next to never undone: the network is not told of it, and would sharpen photos that are
# meant to be soft. A grey photo's truth is grey: `pictures.coloured` makes both so.
ROUGH = Chances(blur=0.03, resample=0.03, noise=0.15, sharpen=0.05, jpeg=0.95, jpeg_twice=0.2, grey=0.0)
CLIP = 0.2  # of the gradient's norm
USUAL_WEIGHT = 0.15  # the size of weights that learn at the rate itself
SLOWEST, FASTEST = 0.5, 2.0  # times the rate
CHARBONNIER = 1e-3  # of values in [-1, 1]: an eighth of a grey level


class CanvasTrainer:
    """`span`: SPAN's public weights to start from; `initial`: a canvas of an earlier run instead; `split`: which of
    `faces` are for tests alone.

    Raises FacepriorError for what a user can mend."""

    def __init__(
        self,
        config: CanvasTraining,
        photos: Path,
        folder: Path,
        *,
        faces: Path | None = None,
        split: FaceSplit = FaceSplit(),
        span: Path | None = None,
        initial: Path | None = None,
        bfloat16: bool = False,
    ):
        self.config, self.folder, self.bfloat16 = config, Path(folder), bfloat16
        if span is not None and initial is not None:
            raise FacepriorError("--span and --initial both say what to start from; give one of them")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.network, self.start = Canvas(), ""
        if span is not None:
            self.network.take_span(span)
            self.start = "SPAN x4 (arXiv 2311.12770)"
        elif initial is not None:
            self.network, self.start = _canvas(initial)
        self.pictures = load_pictures(photos, faces, config, split)
        self.batches = Batches(self.pictures, config, ROUGH)
        self.checkpoints = Checkpoints(self.folder / "checkpoints")
        self.step, self.elapsed = 0, 0.0
        self.usual: float | None = None  # the loss of late, smoothed
        self.norm = 0.0  # of the last gradient

    def fit(self) -> str:
        """-> "done" or the signal's name."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = RunLock(self.folder)
        try:
            self.checkpoints.sweep()
            self._build(self.checkpoints.load())
            with StopRequest() as stop:
                return self._run(stop)
        finally:
            lock.release()

    def _build(self, saved: tuple[Path, dict] | None) -> None:
        self.validation = Validation(self.pictures, self.network)
        lr = self._tensor(self.batches.at(0)[0])
        self.network.measure_sizes(lr)
        self.network.to(memory_format=torch.channels_last)
        c = self.config
        groups = [{"params": list(self.network.told.parameters()), "base": c.told_rate}, *self._layers()]
        maker = Muon if c.optimiser == "muon" else torch.optim.AdamW
        self.optimiser = maker(groups, lr=c.rate, weight_decay=0.0, fused=True)
        self.average = Average(self.network, c.decay)
        if saved is not None:
            path, state = saved
            before = json.loads(state["config"])
            if keys := [k for k, v in c.as_dict().items() if before.get(k) != v and k not in FREE_ON_RESUME]:
                raise FacepriorError(
                    f"{path}: a run of another configuration ({', '.join(keys)}); choose another folder"
                )
            self.network.load_state_dict(state["network"])
            self.average.module.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            for group, given in zip(self.optimiser.param_groups, groups, strict=True):
                group["base"] = given["base"]
            self.step, self.elapsed, self.usual = state["step"], state["elapsed"], state.get("usual")
        self.journal = Journal(self.folder, self.step)
        for line in self.pictures.left_out:
            print(line, flush=True)
        print(
            f"{len(self.pictures.photos)} photos, {len(self.pictures.faces)} faces; held back "
            f"{len(self.pictures.val_photos)} and {len(self.pictures.val_faces)}; from step {self.step}",
            flush=True,
        )
        self._show("at the start", self.validation.start)

    def _layers(self) -> list[dict]:
        """A group for each convolution, its rate in proportion to its weights: SPAN's are of 0.02 to 6, and one rate
        for all would shake the small ones and leave the large ones as they are."""
        groups = []
        turned = hidden_weights(self.network) if self.config.optimiser == "muon" else set()
        for module in self.network.modules():
            if isinstance(module, torch.nn.Conv2d):
                part = float(module.weight.detach().square().mean().sqrt()) / USUAL_WEIGHT
                base = self.config.rate * min(max(part, SLOWEST), FASTEST)
                for muon in (True, False):
                    mine = [p for p in module.parameters() if (id(p) in turned) is muon]
                    if mine:
                        groups.append({"params": mine, "base": base, **({"muon": True} if muon else {})})
        return groups

    def _run(self, stop: StopRequest) -> str:
        c, began, before = self.config, time.perf_counter(), self.elapsed
        saved = looked = began
        seen, ended = 0, "done"
        losses: list[float] = []  # since the last line of the journal
        while self.elapsed < c.max_time:
            if stop.asked:
                ended = stop.asked
                break
            loss, count = self._one()
            seen += count
            losses.append(loss)
            now = time.perf_counter()
            self.elapsed = before + now - began
            if self.step % c.log_every == 0:
                rate = seen / (now - began)
                numbers = {"loss": sum(losses) / len(losses), "norm": self.norm}
                self.journal.write("train", self.step, numbers, images_per_s=round(rate, 1))
                losses = []
            if now - looked >= c.validate_every:
                self._look()
                looked = time.perf_counter()
            if now - saved >= c.checkpoint_every:
                self._save()
                saved = time.perf_counter()
        if ended == "done":
            self._look()
        self._save()
        self.journal.close()
        return ended

    def _one(self) -> tuple[float, int]:
        """One update -> (its loss, its images). An update that is not finite is left out."""
        c = self.config
        done = min(1.0, self.elapsed / c.max_time)
        factor = min(1.0, (self.step + 1) / c.warmup)
        factor *= c.floor + (1 - c.floor) * (1 + math.cos(math.pi * done)) / 2
        for group in self.optimiser.param_groups:
            group["lr"] = group["base"] * factor
        lr, hr, told = self.batches.at(self.step)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16 and done < c.bfloat16_until):
            picture = self.network(self._tensor(lr), torch.from_numpy(told)).picture
        loss = (picture.float() - self._tensor(hr)).square().add(CHARBONNIER**2).sqrt().mean()
        self.optimiser.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self.step += 1
        value = float(loss.detach())
        if not math.isfinite(float(norm)) or value > c.spike * (self.usual or value):
            self.journal.write("refused", self.step, {"loss": value, "norm": float(norm)})
            return self.usual or 0.0, len(lr)
        self.usual = value if self.usual is None else self.usual + 0.02 * (value - self.usual)
        self.norm = float(norm)
        self.optimiser.step()
        self.average.update(self.step)
        return value, len(lr)

    @staticmethod
    def _tensor(images: np.ndarray) -> Tensor:
        """uint8 NHWC -> float32 in [-1, 1], NCHW in channels-last memory."""
        return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)

    def _look(self) -> None:
        result = self.validation(self.average.module)
        self.journal.write("val", self.step, result, seconds=round(self.elapsed, 1))
        self._show(f"step {self.step}, {self.elapsed:.0f} s", result)

    @staticmethod
    def _show(title: str, result: dict[str, float]) -> None:
        text = ", ".join(f"{key} {value:+.2f}" for key, value in result.items())
        print(f"{title}: dB over Lanczos: {text}", flush=True)

    def _save(self) -> None:
        state = {
            "step": self.step,
            "elapsed": self.elapsed,
            "usual": self.usual,
            "config": json.dumps(self.config.as_dict()),
            "network": self.network.state_dict(),
            "average": self.average.module.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        try:
            self.checkpoints.save(state)
            provenance = {"step": self.step, "seconds": round(self.elapsed), "start": self.start}
            save_model(self.average.module, self.folder / "canvas.safetensors", provenance)
        except OSError as error:  # a full disk must not end a run
            print(f"{self.folder}: cannot save ({error.strerror or error}); training goes on", flush=True)


def _canvas(path: Path) -> tuple[Canvas, str]:
    """-> the canvas of a file, and what it was made of in words."""
    network = load_canvas(path)
    before = read_header(path / CANVAS if path.is_dir() else path).get("provenance") or {}
    return network, f"{before.get('start') or 'nothing'}, then {before.get('step', 0)} steps"
