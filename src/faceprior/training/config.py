"""The training configuration: typed, read from TOML, checked once, saved beside the run.

A configuration is a preset's name (`paper`, `standard`, `compact`, `tiny`, `table1/ours` ...), or the path of a TOML
file, plus `section.key=value` overrides. `extends = NAME` at the top of a file starts from that preset or file (a path
beside the file), key by key. Unknown keys and values out of range are refused with one line that names both.
"""

import dataclasses
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_type_hints

import tomli_w
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ..dataset.protocol import PROTOCOLS
from ..dataset.shards import SPLITS
from ..errors import FacepriorError
from ..files import write_text
from ..networks.config import MTUNConfig
from ..networks.kinds import KINDS, config_class, kind_of
from .config_file import override, read_tree
from .contradictions import contradictions
from .near import near_keys
from .plain import check_plain

# What may differ between a run and its resumption: how long, how often and on what, never what is learned.
FREE_ON_RESUME = frozenset(
    {
        "run.epochs",
        "run.steps",
        "run.max_time",
        "run.precision",
        "run.compile",
        "run.helpers",
        "run.channels_last",
        "run.checkpoint_every",
        "run.pictures",
        "run.validate_every",
        "run.log_every",
        "run.patience",
        "data.val_faces",
    }
)

SHOWN = 60  # characters of a wrong value
# Pydantic's words for what TOML calls otherwise.
SAID = {
    "tuple_type": "Input should be a list",
    "list_type": "Input should be a list",
    "model_type": "expected a section of keys",
    "dataclass_type": "expected a section of keys",
    "int_parsing_size": "Input is too large",
}


def parse_time(value: Any) -> Any:
    """A time such as "40m", "1h30m", "90s", "90" or a number of seconds -> seconds."""
    if isinstance(value, str):
        text = value.strip().lower()
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return float(text)
        match = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?", text)
        if not match or not text:
            raise ValueError("a time such as 40m, 1h30m or 90s is expected")
        hours, minutes, seconds = (float(part or 0) for part in match.groups())
        return 3600 * hours + 60 * minutes + seconds
    return value


Split = Literal[SPLITS]
ProtocolName = Literal[tuple(PROTOCOLS)]  # of several, each face in training takes one by chance


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


MANY = 10**9  # of whatever is counted: beyond it 64 bits overflow somewhere
LARGE = 1e6  #   of weights and rates: beyond it float32 does
Seconds = Annotated[float, BeforeValidator(parse_time), Field(gt=0, le=MANY)]
Weight = Annotated[float, Field(ge=0, le=LARGE)]
Degrees = Annotated[float, Field(ge=0, le=180)]
Part = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=MANY)]
Number = Annotated[int, Field(ge=0, le=MANY)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _of_its_type(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[info.field_name]
        timed = "max_time", "checkpoint_every"
        return check_plain(value, field.annotation, also=(str,) if info.field_name in timed else ())


class DataConfig(Section):
    """Which faces, and how they are brought out of line."""

    train_split: Split = "train"
    val_split: Split = "val"
    faces: Count | None = None  # only so many, evenly spread over all; None = all
    val_faces: Number = 512  # faces of the validation split used each epoch; 0 = no validation
    sources: Annotated[list[str], Field(min_length=1)] | None = None  # only faces of these sources; None = all
    max_yaw: float | None = Field(None, ge=0, le=180)  # degrees; train only on faces turned no further; None = all
    # ours: faces turned by 30 degrees are seen so many times as often, and so on each 15
    turned: int = Field(1, ge=1, le=10)
    # pixels of the frame's side in the source; no smaller ones; None = all
    min_side: float | None = Field(None, gt=0, le=LARGE)
    # how far the LR lies from the upright face (docs/architecture.md); of several each face has one, at random
    protocol: Annotated[list[ProtocolName], BeforeValidator(_listed), Field(min_length=1)] = ["paper"]
    colour: float = Field(0.0, ge=0, le=0.4)  # ours: LR and HR recoloured alike in training, by up to this part
    disturbance: float = Field(0.0, ge=0, le=1)  # ours: the LR alone softened, noised, hidden in parts, so strongly
    # ours: the network is told the true transform with normal errors, as large as (degrees, part of the scale, parts of
    # the side) of a good STN, instead of estimating its own; None = it estimates
    told: tuple[Degrees, Part, Part] | None = None
    rough: float = Field(0.0, ge=0, le=1)  # ours: the part of the LRs that come as photos bring them
    # ours: the least and the largest LR in pixels; each batch has one size, evenly by its logarithm. None = the model's
    sizes: tuple[Annotated[int, Field(ge=8, le=128)], Annotated[int, Field(ge=8, le=128)]] | None = None

    @model_validator(mode="after")
    def _sizes_in_order(self) -> "DataConfig":
        if self.sizes is not None and self.sizes[0] > self.sizes[1]:
            raise ValueError(f"sizes: the least comes first, got {list(self.sizes)}")
        return self


class LossConfig(Section):
    """LT = Lp + alpha Lf + beta LU + Lh (paper Eq. 6), each term with its weight; 0 leaves the term out."""

    pixel: Literal["l2", "l1", "charbonnier", "log"] = "l2"  # paper: l2 (Eq. 1)
    pixel_weight: Weight = 1.0  # of Lp
    # The frame of the picture's and the heatmaps' truth: the label's (paper), or the network's own, as it predicted it,
    # so that noise of labels is not learned as blur.
    frame: Literal["label", "own"] = "label"
    unseen: float = Field(1.0, ge=0, le=1)  # ours: weight in Lp of the upright frame's pixels that lie outside the LR
    feature_weight: Weight = 0.01  # alpha
    feature_norm: Literal["mean", "relative", "released"] = "mean"
    feature_faces: Count | None = None  # Lf of so many of each process's faces, at random; None = all
    adversarial_weight: Weight = 0.01  # beta
    adversarial_decay: float = Field(1.0, gt=0, le=1)  # released: beta x 0.995 an epoch ...
    adversarial_floor: Weight = 0.0  # ... down to 0.005
    adversarial_start: Number = 0  # the epoch at which LU and the discriminator come in
    adversarial_form: Literal["nonsaturating", "saturating"] = "nonsaturating"
    heatmap_weight: Weight = 1.0
    heatmap_norm: Literal["energy", "sum", "mean"] = "energy"
    transform_weight: Weight = 0.0  # not in the paper: the STN supervised by the known transform
    stage_weight: Weight = 0.0  # of comparators: L2 on the faces that they make on the way
    landmark_weight: Weight = 0.0  # of CBN: L2 on its landmarks
    alignment_norm: Literal["squared", "distance"] = "squared"  # of these two: of "distance" a tenth weighs as much


class OptimiserConfig(Section):
    name: Literal["rmsprop", "adamw", "muon"] = "rmsprop"  # muon: AdamW but for hidden convolutions (muon.py)
    lr: float = Field(1e-3, gt=0, le=1000)
    localisation_lr: float = Field(0.1, gt=0, le=1000)  # the STN's rate = lr x this
    discriminator_lr: float = Field(1.0, gt=0, le=1000)  # the discriminator's rate = lr x this
    smoothing: float = Field(0.99, ge=0, lt=1)  # RMSprop; paper "decay rate 0.01" = 0.99; released 0.9
    betas: tuple[float, float] = (0.9, 0.99)  # AdamW, Muon
    eps: float = Field(1e-8, gt=0, le=1)
    weight_decay: float = Field(0.0, ge=0, le=100)
    clip: Weight = 0.0  # bound of the gradient's norm; 0 = none
    ema: float = Field(0.0, ge=0, lt=1)  # averaging of the weights, a step; 0 = none

    @model_validator(mode="after")
    def _betas_in_range(self) -> "OptimiserConfig":
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas: must lie in [0, 1), got {list(self.betas)}")
        return self


class ScheduleConfig(Section):
    """The learning rate over the run, as a factor of `optimiser.lr`."""

    kind: Literal["epochs", "cosine", "constant"] = "epochs"
    gamma: float = Field(0.99, gt=0, le=1)  # epochs: x gamma after each epoch
    floor: float = Field(0.01, ge=0, le=1)  # cosine: the last factor
    by: Literal["steps", "budget"] = "steps"  # cosine: progress in steps, or the larger of steps and time
    warmup: Literal["none", "linear", "released"] = "none"
    warmup_steps: Count = 500  # linear


class RunConfig(Section):
    batch: int = Field(8, ge=1, le=10**6)  # faces of one step, over all processes
    epochs: Count = 100
    steps: Count | None = None  # stop here, if sooner
    max_time: Seconds | None = None  # stop here, if sooner: wall-clock of the whole run, resumptions included
    seed: int = Field(0, ge=0, lt=2**63)
    # weights (a file, or a run's folder) of the same network to start from; None = fresh
    initial: Annotated[str, Field(min_length=1)] | None = None
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    channels_last: bool = False
    compile: bool = False
    # processes that make rough LRs ahead; None = on a GPU as many as cores
    helpers: int | None = Field(None, ge=0, le=256)
    sync_norm: bool = True  # several processes: BatchNorm over the whole batch
    checkpoint_every: Seconds = 600.0  # besides the end of every epoch
    validate_every: Count = 1  # epochs between validations and pictures
    pictures: int = Field(8, ge=0, le=64)  # rows of the picture made every epoch; 0 = none
    log_every: Count = 10  # steps between lines of metrics.jsonl
    patience: Count = 5  # non-finite steps in a row before the run stops


MTUN_PRESETS = {"paper": MTUNConfig, "compact": MTUNConfig.compact, "standard": MTUNConfig.standard}


def _expand_model(value: Any) -> Any:
    """`kind` names the network, "mtun" unless said otherwise; the other keys are its configuration's.

    `preset = "compact"` inside [model] starts from `MTUNConfig.compact()`; other keys override it."""
    if (kind := _kind(value)) == "canvas":
        raise ValueError("kind: 'canvas' is trained by `faceprior train-canvas`, not here")
    if not isinstance(value, dict):
        return value
    if kind not in KINDS:
        raise ValueError(f"kind: expected one of {', '.join(k for k in KINDS if k != 'canvas')}, got {kind!r:.60}")
    hints = get_type_hints(config_class(kind))
    if value.keys() <= {*hints, "kind", "preset"}:  # else one that is unknown is said
        for key in value.keys() & hints.keys():
            try:
                check_plain(value[key], hints[key])
            except ValueError as error:
                raise ValueError(f"{key}: {error}, got {_shown(value[key])}") from None
    if kind == "mtun":  # its configuration, older than the others, does not hold its kind
        value = {key: v for key, v in value.items() if key != "kind"}
    if "preset" in value and kind == "mtun":
        value = dict(value)
        preset = value.pop("preset")
        if not isinstance(preset, str) or preset not in MTUN_PRESETS:
            known = ", ".join(MTUN_PRESETS)
            raise ValueError(f"preset: no network preset {_shown(preset)}; expected one of {known}")
        return {**dataclasses.asdict(MTUN_PRESETS[preset]()), **value}
    return value


def _kind(value: Any) -> str:
    return value.get("kind", "mtun") if isinstance(value, dict) else kind_of(value)


NetworkConfig = Annotated[
    Union[tuple(Annotated[config_class(kind), Tag(kind)] for kind in KINDS)],  # noqa: UP007
    Discriminator(_kind),
    BeforeValidator(_expand_model),
]


class TrainConfig(Section):
    data: DataConfig = DataConfig()
    model: NetworkConfig = MTUNConfig()
    loss: LossConfig = LossConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    run: RunConfig = RunConfig()

    @model_validator(mode="after")
    def _no_contradiction(self) -> "TrainConfig":
        for message in contradictions(self):
            raise ValueError(message)
        return self

    @classmethod
    def load(cls, name: str | Path, overrides: list[str] | None = None) -> "TrainConfig":
        """A preset's name or a TOML file, with `section.key=value` overrides (values as in TOML)."""
        origin, raw = read_tree(name)
        for word in overrides or []:
            override(raw, word)
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            raise FacepriorError(f"{origin}: {_first(error)}") from None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, None left out (TOML has no null)."""
        return self.model_dump(mode="json", exclude_none=True)

    def save(self, path: Path) -> None:
        write_text(path, tomli_w.dumps(self.as_dict()))

    def differences(self, other: "TrainConfig") -> list[str]:
        """The keys, `section.key`, that a resumed run may not change and that differ."""
        mine, theirs = _flat(self.as_dict()), _flat(other.as_dict())
        keys = sorted({*mine, *theirs} - FREE_ON_RESUME)
        return [key for key in keys if mine.get(key) != theirs.get(key)]


def _first(error: ValidationError) -> str:
    """The first complaint on one line: `loss.pixel: Input should be ...; got 'l3'`."""
    problems = error.errors(include_url=False)
    unknown = ("extra_forbidden", "unexpected_keyword_argument")  # of another kind's keys all else is wrong, too
    problem = next((p for p in problems if p["type"] in unknown), problems[0])
    parts = [str(part) for part in problem["loc"]]
    kind = parts[1] if parts[:1] == ["model"] and parts[1:2] and parts[1] in KINDS else "mtun"
    if parts[:1] == ["model"] and parts[1:2] and parts[1] in KINDS:
        del parts[1]  # pydantic's tag of the union, no key of the file
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in unknown:
        message = "no such key" + near_keys(".".join(parts), _keys(kind))
    elif problem["type"] == "value_error" and len(parts) < 2:  # of a whole section: it names its key, and what is given
        named, _, rest = message.partition(": ")
        if parts and named.isidentifier() and rest:
            parts, message = [*parts, named], rest
    elif problem["type"] == "missing":
        message = f"a value is missing; got {_shown(problem['input'])}"
    else:
        message = SAID.get(problem["type"], message)
        message += f"; got {_shown(problem['input'])}"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    place = f"{'.'.join(parts)}: " if parts else ""
    return f"{place}{message}{more}".replace("\n", " ")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _keys(kind: str) -> dict[str, list[str]]:
    """Section -> its keys; of [model] those of the network's kind."""
    sections = {name: getattr(TrainConfig(), name) for name in TrainConfig.model_fields if name != "model"}
    model = [field.name for field in dataclasses.fields(config_class(kind))]
    more = ["preset", "kind"] if kind == "mtun" else ["kind"]
    return {"model": [*model, *more], **{name: list(type(s).model_fields) for name, s in sections.items()}}


def _flat(tree: dict[str, Any]) -> dict[str, Any]:
    return {f"{section}.{key}": value for section, keys in tree.items() for key, value in keys.items()}
