"""Training from a folder of prepared faces to `model.safetensors`, on Lightning Fabric.

A run is a folder: config.toml, checkpoints/, metrics.jsonl, curves.png, tensorboard/, pictures/, model.safetensors.
"""

import json
import math
import time
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

import torch
from safetensors import SafetensorError

from ..dataset.pairs import Pairs
from ..dataset.store import FaceStore
from ..errors import FacepriorError
from ..networks.discriminator import Discriminator
from ..networks.vgg import VGGFeatures
from ..networks.weights import save_model
from .ahead import Ahead, processes_here
from .checkpoint import Checkpoints, read
from .closed_form import Fitted
from .config import TrainConfig
from .curves import draw_curves
from .devices import first_process, make_fabric, part, prepare_device, to_device
from .faces import load_faces
from .floors import floors
from .folder import open_folder
from .generator import make_generator
from .given import check_before, closed_form
from .journal import Journal
from .lock import RunLock
from .notice import beginning, ending, validation
from .pictures import draw
from .progress import TrainProgress
from .provenance import provenance
from .sampler import seed_everything, seed_of
from .schedule import Position
from .step import Step, StepResult
from .stopping import StopRequest
from .sync_norm import join_batchnorms
from .validate import validate


class Trainer:
    """One run. `fit` trains until the configuration's end, its time, or a signal.

    data: a folder of `faceprior prepare`; folder: the run's; name: the preset's, to be said; faces: all of the
    training split of `data`, where that is decoded already.
    Raises FacepriorError for what a user can mend.
    """

    def __init__(
        self,
        config: TrainConfig,
        data: Path,
        folder: Path,
        *,
        device: str = "auto",
        devices: int | None = None,
        vgg: Path | None = None,
        stn0: Path | None = None,
        canvas: Path | None = None,
        resume: bool = True,
        name: str | None = None,
        faces: FaceStore | None = None,
    ):
        self.began = time.perf_counter()
        self.config, self.data, self.folder = config, Path(data), Path(folder)
        self.lock: RunLock | None = None
        self.checkpoints = Checkpoints(self.folder / "checkpoints", lambda text: self._say(text))
        self.progress: TrainProgress | None = None
        self._vgg, self._resume, self._name, self._given_faces = vgg, resume, name, faces
        self._given = {"stn0": stn0, "canvas": canvas}
        self._elapsed_before, self._refused = 0.0, 0
        self._validation: dict[str, float] = {}
        self._looked = -1  # the step of the last validation in this process
        self._save_failed: str | None = None
        self._ahead: Ahead | None = None
        self.step = 0
        if not self.data.is_dir():
            raise FacepriorError(f"{self.data}: no such folder; `faceprior prepare` makes it")
        self.fabric = make_fabric(device, devices, config.run.precision)

    def fit(self) -> str:
        """Train. -> "done", "time" (the run's time is spent) or the name of the signal that stopped it."""
        saved = None
        if first_process():  # before the processes meet: an error here leaves nobody waiting
            resumed = self._resume and bool(self.checkpoints.list())
            check_before(self.config, self.data, **self._given, vgg=self._vgg, resumed=resumed)
            self.lock, saved = open_folder(self.folder, self.config, self.checkpoints, resume=self._resume)
        try:
            self.fabric.launch()
            prepare_device(self.fabric.device)
            self._load()
            self._build(resumed=self.fabric.broadcast(saved is not None))
            self._restore(saved)
            del saved
            with StopRequest() as stop:
                ended = self._run(stop)
            part(self.fabric)
            return ended
        finally:
            if self.lock:
                self.lock.release()

    # -- before the first step

    def _load(self) -> None:
        run, fabric = self.config.run, self.fabric
        if run.batch % fabric.world_size:
            raise FacepriorError(f"run.batch = {run.batch} does not divide among {fabric.world_size} processes")
        self.faces = load_faces(
            self.config, self.data, fabric, given=self._given_faces, progress=fabric.is_global_zero
        )
        self.total_steps = run.epochs * self.faces.sampler.steps_per_epoch
        if run.steps is not None:
            self.total_steps = min(self.total_steps, run.steps)

    def _build(self, *, resumed: bool) -> None:
        config, fabric = self.config, self.fabric
        seed_everything(config.run.seed, "weights")
        generator = make_generator(config, self.faces.maker, fabric.device, **self._given, resumed=resumed)
        if closed_form(generator):
            self.update, self.total_steps = Fitted(generator, fabric.device), 0
            return
        discriminator = Discriminator() if config.loss.adversarial_weight else None
        vgg = VGGFeatures.load(self._vgg) if config.loss.feature_weight else None
        if fabric.world_size > 1 and config.run.sync_norm:
            generator = join_batchnorms(generator, fabric.device)
        self.update = Step(fabric, config, generator, discriminator, vgg)

    def _restore(self, saved: tuple[Path, dict] | None) -> None:
        """Every process reads the checkpoint that the first one found: many nodes need a common file system."""
        name = self.fabric.broadcast(saved[0].name if saved else None)
        if name is not None:
            state = saved[1] if saved else read(self.checkpoints.folder / name)
            if state["dataset"] != self.faces.dataset:
                raise FacepriorError(
                    f"{self.data}: not the faces this run began with ({state['dataset']['faces']} then, "
                    f"{self.faces.dataset['faces']} now, or other ones); choose another run folder"
                )
            try:
                self.update.load(state)
            except (KeyError, ValueError, RuntimeError) as error:
                reason = str(error).splitlines()[0]
                raise FacepriorError(
                    f"{self.checkpoints.folder / name}: not of this network ({reason}); --no-resume starts anew"
                ) from None
            self.step, self._elapsed_before = state["step"], state["elapsed"]
            self._refused, self._validation = state["refused"], state["validation"]
        if self.fabric.is_global_zero:
            self.journal = Journal(self.folder, self.step, self._say)
        self.progress = TrainProgress(
            self.total_steps, self.step, self.config.run.batch, shown=self.fabric.is_global_zero
        )
        weights = sum(p.numel() for p in self.update.generator.parameters())
        if self.fabric.is_global_zero:
            self._introduce(weights)

    def _introduce(self, weights: int) -> None:
        """What is about to be done, and the validation's floors."""
        held = len(self.faces.val_maker.store) if self.faces.val_maker else 0
        for line in beginning(
            self.config, name=self._name, folder=self.folder, data=self.data, faces=len(self.faces), validation=held,
            weights=weights, device=self.fabric.device.type, processes=self.fabric.world_size,
            threads=torch.get_num_threads(), epoch=self.faces.sampler.steps_per_epoch, total=self.total_steps,
            step=self.step, elapsed=self._elapsed_before,
        ):  # fmt: skip
            self._say(line)
        if self.faces.val_maker is not None:
            self._floors = floors(self.faces.val_maker)
            self.journal.write("floor", self.step, self._floors)

    # -- the loop

    def _run(self, stop: StopRequest) -> str:
        last_saved = time.perf_counter()
        ended = "done"
        helpers = processes_here(
            self.config.run.helpers, self.fabric.device.type, self.config.data.rough, self.fabric.world_size
        )
        if helpers and self.step < self.total_steps:
            self._ahead = Ahead(self._begin, helpers, self.total_steps)
        try:
            while self.step < self.total_steps:
                asked, elapsed = self._agree(stop)
                if asked:
                    ended = stop.asked or "SIGTERM"
                    break
                if self.config.run.max_time and elapsed >= self.config.run.max_time:
                    ended = "time"
                    break
                self._one(elapsed)
                epoch_over = self.step % self.faces.sampler.steps_per_epoch == 0
                if epoch_over and self.epoch % self.config.run.validate_every == 0:
                    self._look()
                if epoch_over or self._due(last_saved):
                    self._save()
                    last_saved = time.perf_counter()
            if ended in ("done", "time") and self._looked != self.step:
                self._look()
            self._finish(ended)
        finally:
            if self._ahead is not None:
                self._ahead.close()
            self.progress.close()
            if self.fabric.is_global_zero:
                self.journal.close()
        return ended

    @property
    def epoch(self) -> int:
        """Epochs finished."""
        return self.step // self.faces.sampler.steps_per_epoch

    @property
    def elapsed(self) -> float:
        return self._elapsed_before + time.perf_counter() - self.began

    def _agree(self, stop: StopRequest) -> tuple[bool, float]:
        """Whether to stop, and the time: one answer for all processes, or they would part."""
        if self.fabric.world_size == 1:
            return bool(stop.asked), self.elapsed
        mine = torch.tensor([float(bool(stop.asked)), self.elapsed], device=self.fabric.device)
        asked, elapsed = self.fabric.all_reduce(mine, reduce_op="max").tolist()
        return asked > 0, elapsed

    def _due(self, last_saved: float) -> bool:
        """Only the first process writes, so its clock alone counts."""
        return time.perf_counter() - last_saved >= self.config.run.checkpoint_every

    def _one(self, elapsed: float) -> None:
        at = Position(self.step, self.epoch, self.total_steps, elapsed, self.config.run.max_time)
        pairs = self._pairs()
        seed_everything(self.config.run.seed, "step", self.step, self.fabric.global_rank)  # dropout
        result = self.update(pairs, at)
        self.step += 1
        self._refused = 0 if result.finite else self._refused + 1
        if not result.finite:
            self._refuse(result)
        self.progress.step(self.step, self.epoch, result.losses)
        if self.fabric.is_global_zero and result.finite and self.step % self.config.run.log_every == 0:
            self.journal.write("train", self.step, result.losses, images_per_s=round(self.progress.rate, 1))

    def _pairs(self) -> Pairs:
        """This process's share of the step's batch."""
        return self._ahead.at(self.step) if self._ahead is not None else self._begin(self.step)()

    def _begin(self, step: int, pool: Executor | None = None) -> Callable[[], Pairs]:
        """Begins it. Its draws are those it would get in one process."""
        fabric, run = self.fabric, self.config.run
        share = run.batch // fabric.world_size
        index = self.faces.sampler.at(step)[fabric.global_rank * share : (fabric.global_rank + 1) * share]
        generator = torch.Generator().manual_seed(seed_of(run.seed, "pairs", step))
        if fabric.global_rank:  # skip what the processes before this one draw: five numbers a face
            torch.rand(fabric.global_rank * share, 5, generator=generator, dtype=torch.float64)
        size = self.faces.maker.draw_size(torch.Generator().manual_seed(seed_of(run.seed, "size", step)))
        finish = self.faces.maker.begin(index, generator, size=size, pool=pool)  # one size in all processes: none waits
        return lambda: to_device(finish(), fabric.device)

    def _refuse(self, result: StepResult) -> None:
        """A non-finite step changed nothing; after `run.patience` in a row something is wrong for good."""
        index = self.faces.sampler.at(self.step - 1).tolist()
        term = next(name for name, value in result.losses.items() if name != "total" and not math.isfinite(value))
        value = result.losses[term]
        names = [self.faces.maker.store.names[i] for i in index]
        self._say(f"step {self.step}: {term} is {value}; the step is skipped (faces {_some(names)})")
        if self.fabric.is_global_zero:
            self.journal.write("refused", self.step, result.losses, term=term, index=index, names=names)
        if self._refused >= self.config.run.patience:
            raise FacepriorError(
                f"{self.folder}: stopped at step {self.step}: {term} was {value} for {self._refused} steps in a row; "
                f"last batch: rows {_some(index)}, faces {_some(names)}; see metrics.jsonl"
            )

    # -- between epochs and at the end

    def _look(self) -> None:
        """Validate the averaged weights and draw the epoch's picture."""
        if self.faces.val_maker is None:
            return
        model, self._looked = self.update.average.module, self.step
        self._validation = validate(self.fabric, model, self.faces.val_maker)
        if not self.fabric.is_global_zero:
            return
        self.journal.write("val", self.step, self._validation, epoch=self.epoch, seconds=round(self.elapsed, 1))
        self._say(
            validation(self._validation, self._floors, epoch=self.epoch, step=self.step, elapsed=self.elapsed)
        )
        if self.config.run.pictures:
            path = self.folder / "pictures" / f"step-{self.step:08d}.png"
            try:
                draw(model, self.faces.val_maker, self.config.run.pictures, path)
            except (OSError, FacepriorError) as error:  # a picture is no reason to end a run
                self._say(str(error))

    def _save(self) -> None:
        """A full disk must not end a run of days: it is said, and the next checkpoint tries again."""
        if not self.fabric.is_global_zero:
            return
        state = {
            "step": self.step,
            "elapsed": self.elapsed,
            "refused": self._refused,
            "validation": self._validation,
            "dataset": self.faces.dataset,
            "config": json.dumps(self.config.as_dict()),
            **self.update.state(),
        }
        try:
            self.checkpoints.save(state)
            self._save_failed = None
        except OSError as error:
            self._save_failed = error.strerror or str(error)
            self._say(f"step {self.step}: checkpoint not written: {self._save_failed}")

    def _finish(self, ended: str) -> None:
        self._save()
        if self.fabric.is_global_zero and ended in ("done", "time"):
            path = self.folder / "model.safetensors"
            try:
                save_model(self.update.average.module, path, self._provenance())
            except (OSError, SafetensorError) as error:
                raise FacepriorError(f"{path}: not written: {getattr(error, 'strerror', None) or error}") from None
        if self._save_failed:
            raise FacepriorError(f"{self.checkpoints.folder}: last checkpoint not written: {self._save_failed}")
        if not self.fabric.is_global_zero:
            return
        self._draw_curves()
        for line in ending(
            ended, self.config, folder=self.folder, data=self.data, step=self.step, total=self.total_steps,
            elapsed=self.elapsed,
        ):  # fmt: skip
            self._say(line)

    def _draw_curves(self) -> None:
        if not self.config.run.pictures:
            return
        try:
            draw_curves([self.folder], self.folder / "curves.png")
        except (OSError, FacepriorError, ImportError) as error:  # a picture is no reason to end a run
            self._say(f"{self.folder / 'curves.png'}: not drawn: {error}")

    def _provenance(self) -> dict:
        return provenance(
            self.config, self.fabric.device, step=self.step, seconds=self.elapsed, dataset=self.faces.dataset,
            validation=self._validation, processes=self.fabric.world_size,
        )  # fmt: skip

    def _say(self, text: str) -> None:
        if self.progress:
            self.progress.say(text)
        elif first_process():
            print(text)


def _some(items: list) -> str:
    return ", ".join(map(str, items[:8])) + (f" and {len(items) - 8} more" if len(items) > 8 else "")
