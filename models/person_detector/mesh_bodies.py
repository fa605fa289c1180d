"""Bodies to render: built once from `anny` (CC0 shapes), then posed with numpy alone.

Body frame in metres: x to the front, y to the left, z up, soles on z = 0.
"""

# ruff: noqa: PLR2004, E501 -- angles and odds of made-up poses, once each

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CACHE = Path(__file__).parent / "work" / "bodies.npz"
SHAPES, FACES, FACES_FAR = 480, 3000, 760
"""Phenotypes (even ones train, odd ones test), triangles near and far."""
GROUPS = (
    "pelvis", "belly", "chest", "neck", "head", "uarm.L", "uarm.R", "larm.L", "larm.R", "hand.L",
    "hand.R", "uleg.L", "uleg.R", "lleg.L", "lleg.R", "foot.L", "foot.R",
)  # fmt: skip
PARENT = (-1, 0, 1, 2, 3, 2, 2, 5, 6, 7, 8, 0, 0, 11, 12, 13, 14)
ANCHOR = (
    "root", "spine04", "spine02", "neck01", "head", "upperarm01.L", "upperarm01.R",
    "lowerarm01.L", "lowerarm01.R", "wrist.L", "wrist.R", "upperleg01.L", "upperleg01.R",
    "lowerleg01.L", "lowerleg01.R", "foot.L", "foot.R",
)  # fmt: skip
G = {name: index for index, name in enumerate(GROUPS)}


@dataclass(frozen=True, slots=True)
class Mesh:
    """One level of detail: triangles and what is the same in every body.

    Attributes:
        pick: (V,) vertices of the cached bodies that this mesh uses.
        faces: (F, 3).
        weights: (V, 17) of each group.
        part: (V,) dominant group.
        along: (V,) place along the limb, 0 at shoulder or hip, 1 at wrist or ankle.
        rest: (V, 3) place on the standard body, height 1.
    """

    pick: NDArray[np.int64]
    faces: NDArray[np.int64]
    weights: Array
    part: Array
    along: Array
    rest: Array


@dataclass(frozen=True, slots=True)
class Store:
    """All rest bodies, and the two meshes over them."""

    vertices: NDArray[np.float32]
    normals: NDArray[np.float32]
    joints: NDArray[np.float32]
    child: NDArray[np.bool_]
    female: NDArray[np.bool_]
    near: Mesh
    far: Mesh


@dataclass(frozen=True, slots=True)
class Posed:
    """A body in a pose, in its own frame: mesh, vertices, normals and the groups' frames."""

    mesh: Mesh
    vertices: Array
    normals: Array
    turns: Array
    joints: Array
    head: Array
    foot: Array
    height: float


def group_of(bone: str) -> int:
    """Name the group that a bone of the rig moves with."""
    side = bone[-2:] if bone[-2:] in (".L", ".R") else ""
    table = (
        (("upperarm",), "uarm"), (("lowerarm",), "larm"), (("wrist", "finger", "metacarpal"), "hand"),
        (("upperleg",), "uleg"), (("lowerleg",), "lleg"), (("foot", "toe"), "foot"),
    )  # fmt: skip
    for starts, name in table:
        if bone.startswith(starts):
            return G[name + side]
    if bone.startswith(("root", "pelvis", "spine05")):
        return G["pelvis"]
    if bone.startswith(("spine04", "spine03")):
        return G["belly"]
    if bone.startswith(("spine", "breast", "clavicle", "shoulder")):
        return G["chest"]
    return G["neck"] if bone.startswith("neck") else G["head"]


def build() -> None:  # noqa: PLR0915 -- one step after another
    """Make the cache; needs torch, anny and fast_simplification; takes a few minutes at first."""
    import anny  # noqa: PLC0415 -- only to build
    import fast_simplification  # noqa: PLC0415 -- only to build
    import torch  # noqa: PLC0415 -- only to build

    model = anny.create_fullbody_model()
    labels = list(model.bone_labels)
    quads = model.faces.numpy()
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    groups = np.array([group_of(name) for name in labels])
    index = model.vertex_bone_indices.numpy()
    weight = model.vertex_bone_weights.numpy()
    count = model.template_vertices.shape[0]
    dense = np.zeros((count, len(GROUPS)))
    for column in range(index.shape[1]):
        np.add.at(dense, (np.arange(count), groups[index[:, column]]), weight[:, column])
    inner = np.zeros(count, bool)
    for column in range(index.shape[1]):
        hidden = np.array([name.startswith(("tongue", "eye.")) for name in labels])
        inner |= hidden[index[:, column]] & (weight[:, column] > 0.5)
    faces = faces[~inner[faces].any(1)]
    rng = np.random.default_rng(7)
    anchors = [labels.index(name) for name in ANCHOR]
    size = 40
    bodies, joints, child, female = [], [], [], []
    for _ in range(SHAPES // size):
        kid = rng.random(size) < 0.08
        age = np.where(kid, rng.uniform(0.38, 0.6, size), rng.uniform(0.66, 1.0, size))
        gender = np.clip(rng.normal(np.where(rng.random(size) < 0.5, 0.08, 0.92), 0.08), 0, 1)
        wants = {
            "gender": gender, "age": age,
            "muscle": rng.uniform(0.25, 0.75, size), "weight": rng.beta(2.2, 2.2, size),
            "height": rng.uniform(0.3, 0.7, size), "proportions": rng.uniform(0.2, 0.8, size),
        }  # fmt: skip
        kwargs = {key: torch.tensor(value, dtype=torch.float32) for key, value in wants.items()}
        identity = torch.eye(4).expand(size, len(labels), 4, 4).clone()
        with torch.no_grad():
            out = model(pose_parameters=identity, phenotype_kwargs=kwargs)
            rest = model.get_rest_model(model.get_phenotype_blendshape_coefficients(**kwargs))
        heads = rest["rest_bone_poses"][:, :, :3, 3].numpy()[:, anchors]
        points = rest["rest_vertices"].numpy()
        del out
        # a woman's value: anny's gender 0 is male, 1 female (see Anny's docs)
        tall = np.where(gender > 0.5, rng.normal(1.65, 0.07, size), rng.normal(1.77, 0.075, size))
        tall = np.clip(tall, 1.46, 2.03)
        tall = np.where(kid, rng.uniform(0.95, 1.5, size), tall)
        used = points[:, np.unique(faces)]
        low, high = used[..., 2].min(1), used[..., 2].max(1)
        scale = (tall / (high - low))[:, None, None]
        shift = np.stack([heads[:, 0, 0], heads[:, 0, 1], low], 1)[:, None]
        bodies.append(_turned((points - shift) * scale))
        joints.append(_turned((heads - shift) * scale))
        child.append(kid)
        female.append(gender > 0.5)
    vertices, places = np.concatenate(bodies), np.concatenate(joints)
    average = vertices[~np.concatenate(child)].mean(0)
    middle = places[~np.concatenate(child)].mean(0)
    saved: dict[str, NDArray[np.generic]] = {}
    kept: list[NDArray[np.int64]] = []
    for name, target in (("near", FACES), ("far", FACES_FAR)):
        thin, triangles = fast_simplification.simplify(
            average.astype(np.float32), faces.astype(np.int32), 1 - target / len(faces)
        )
        pool = np.unique(faces)
        nearest = np.array([pool[np.argmin(((average[pool] - p) ** 2).sum(1))] for p in thin])
        saved[f"{name}_faces"] = triangles.astype(np.int64)
        kept.append(nearest)
    both = np.unique(np.concatenate(kept))
    for name, nearest in zip(("near", "far"), kept, strict=True):
        saved[f"{name}_pick"] = np.searchsorted(both, nearest)
    normals = np.stack([_normals(body, faces)[both] for body in vertices])
    np.savez(
        CACHE,
        vertices=vertices[:, both].astype(np.float32),
        normals=normals.astype(np.float32),
        joints=places.astype(np.float32),
        child=np.concatenate(child),
        female=np.concatenate(female),
        weights=dense[both],
        average=average[both],
        middle=middle,
        **saved,  # type: ignore[arg-type]
    )


def _turned(points: NDArray[np.generic]) -> Array:
    """Turn anny's axes (front is -y) into ours (front is x)."""
    p = np.asarray(points, float)
    return np.stack([-p[..., 1], p[..., 0], p[..., 2]], -1)


def _normals(points: Array, faces: NDArray[np.int64]) -> Array:
    a, b, c = (points[faces[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    total = np.zeros_like(points)
    for column in range(3):
        np.add.at(total, faces[:, column], across)
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9))


@cache
def load() -> Store:
    """Read the cache (building it if it is not there)."""
    if not CACHE.exists():
        build()
    data = np.load(CACHE)
    average, middle = data["average"], data["middle"]
    tall = average[:, 2].max()
    meshes = []
    for name in ("near", "far"):
        pick = data[f"{name}_pick"]
        weights = data["weights"][pick]
        part = weights.argmax(1)
        along = np.zeros(len(pick))
        for side in (".L", ".R"):
            for upper, lower, end in (("uarm", "larm", "hand"), ("uleg", "lleg", "foot")):
                start, stop = middle[G[upper + side]], middle[G[end + side]]
                step = stop - start
                mine = np.isin(part, [G[upper + side], G[lower + side], G[end + side]])
                t = (average[pick] - start) @ step / (step @ step)
                along[mine] = t[mine]
        meshes.append(
            Mesh(
                pick,
                data[f"{name}_faces"],
                weights,
                part.astype(float),
                along,
                average[pick] / tall,
            )
        )
    return Store(
        data["vertices"], data["normals"], data["joints"], data["child"], data["female"], *meshes
    )


def aim(rest: Array, target: Array) -> Array:
    """Give the smallest rotation (3 x 3) that turns direction `rest` into direction `target`."""
    a, b = rest / math.sqrt(rest @ rest), target / math.sqrt(target @ target)
    cosine = float(a @ b)
    axis = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    if cosine < -0.999:
        return np.diag([-1.0, 1.0, -1.0])
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray(np.eye(3) + k + k @ k / (1 + cosine))


def turn(*, pitch: float = 0.0, yaw: float = 0.0, roll: float = 0.0) -> Array:
    """Give a rotation: pitch leans forward, yaw turns left, roll leans right."""
    cp, sp, cy, sy, cr, sr = (
        math.cos(pitch), math.sin(pitch), math.cos(yaw), math.sin(yaw), math.cos(roll),
        math.sin(roll),
    )  # fmt: skip
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    return np.asarray(about_z @ about_y @ about_x)


def direction(*, forward: float, out: float) -> Array:
    """Give a limb's direction: 0, 0 hangs down; `forward` swings to the front, `out` sideways."""
    return np.array([
        math.sin(forward) * math.cos(out), math.sin(out), -math.cos(forward) * math.cos(out)
    ])  # fmt: skip


@dataclass(slots=True)
class Stance:
    """Angles of a pose in radians; pairs are left and right."""

    lean: float = 0.0
    bow: float = 0.0
    twist: float = 0.0
    roll: float = 0.0
    head: tuple[float, float] = (0.0, 0.0)
    thigh: tuple[float, float] = (0.0, 0.0)
    knee: tuple[float, float] = (0.0, 0.0)
    splay: float = 0.05
    foot: tuple[float, float] = (0.0, 0.0)
    arm: tuple[float, float] = (0.0, 0.0)
    spread: tuple[float, float] = (0.12, 0.12)
    elbow: tuple[float, float] = (0.2, 0.2)
    inward: tuple[float, float] = (0.0, 0.0)


POSES = (
    "walk", "stand", "phone", "folded", "hips", "reach", "reach_up", "low", "crouch", "push",
    "carry", "sit", "talk",
)  # fmt: skip


def stance(  # noqa: C901, PLR0912, PLR0915 -- a table of poses
    name: str, *, rng: np.random.Generator
) -> Stance:
    """Draw one stance of a kind of pose."""
    s = Stance(
        lean=rng.normal(0.03, 0.05), bow=rng.normal(0.04, 0.06), twist=rng.normal(0, 0.12),
        roll=rng.normal(0, 0.03), head=(rng.normal(0.12, 0.18), rng.normal(0, 0.4)),
        splay=rng.uniform(0.02, 0.12),
        arm=(rng.normal(0.05, 0.12), rng.normal(0.05, 0.12)),
        spread=(rng.uniform(0.08, 0.25), rng.uniform(0.08, 0.25)),
        elbow=(rng.uniform(0.1, 0.5), rng.uniform(0.1, 0.5)),
        inward=(rng.uniform(0, 0.3), rng.uniform(0, 0.3)),
    )  # fmt: skip
    if name in ("walk", "push"):
        phase, stride = rng.uniform(0, 2 * math.pi), rng.uniform(0.2, 0.55)
        a, b = stride * math.sin(phase), -stride * math.sin(phase)
        lift = math.cos(phase)
        s.thigh = (a + 0.08, b + 0.08)
        s.knee = (0.08 + 0.9 * stride * 2 * max(0, lift), 0.08 + 0.9 * stride * 2 * max(0, -lift))
        s.foot = (-0.4 * a, -0.4 * b)
        s.arm = (b * 0.9, a * 0.9)
        s.splay = rng.uniform(0.0, 0.05)
    else:
        step = rng.normal(0, 0.1)
        s.thigh, s.knee = (step, -step), (abs(rng.normal(0, 0.08)), abs(rng.normal(0, 0.08)))
    side = int(rng.integers(2))
    if name == "push":
        fore = rng.uniform(0.35, 0.7)
        s.arm, s.elbow = (fore, fore + rng.normal(0, 0.05)), (rng.uniform(0.4, 0.8),) * 2
        s.lean, s.inward = rng.uniform(0.02, 0.25), (0.1, 0.1)
    elif name == "phone":
        s = _one(s, side=side, arm=rng.uniform(0.1, 0.6), elbow=rng.uniform(1.3, 2.2), inward=0.4)
        s.head = (rng.uniform(0.2, 0.7), rng.normal(0, 0.2))
    elif name == "folded":
        s.arm, s.elbow, s.inward = (0.35, 0.35), (1.5, 1.5), (1.0, 1.0)
    elif name == "hips":
        s.arm, s.spread, s.elbow, s.inward = (-0.3, -0.3), (0.7, 0.7), (1.1, 1.1), (1.2, 1.2)
        if rng.random() < 0.5:
            s = _one(s, side=side, arm=0.0, elbow=0.2, inward=0.0)
            s.spread = (0.15, 0.7) if side == 0 else (0.7, 0.15)
    elif name == "reach":
        s = _one(s, side=side, arm=rng.uniform(0.8, 1.7), elbow=rng.uniform(0.0, 0.7), inward=0.1)
        s.lean = rng.uniform(0.0, 0.4)
        if rng.random() < 0.3:
            s = _one(
                s, side=1 - side, arm=rng.uniform(0.6, 1.6), elbow=rng.uniform(0, 0.9), inward=0.1
            )
    elif name == "reach_up":
        s = _one(s, side=side, arm=rng.uniform(1.7, 2.9), elbow=rng.uniform(0.0, 0.6), inward=0.0)
        s.head = (rng.uniform(-0.6, 0.0), rng.normal(0, 0.2))
    elif name == "low":
        s.lean, s.bow = rng.uniform(0.4, 0.9), rng.uniform(0.2, 0.6)
        s.thigh, s.knee = (
            (0.3, rng.uniform(0.1, 0.4)),
            (rng.uniform(0.1, 0.6), rng.uniform(0.1, 0.6)),
        )
        s = _one(s, side=side, arm=rng.uniform(-0.2, 0.8), elbow=rng.uniform(0, 0.5), inward=0.1)
    elif name == "crouch":
        deep = rng.uniform(1.3, 1.9)
        s.thigh = (deep, deep + rng.normal(0, 0.2))
        s.knee, s.foot = (deep + 0.5, deep + 0.6), (0.2, 0.2)
        s.lean, s.bow, s.splay = rng.uniform(0.2, 0.6), rng.uniform(0.1, 0.5), rng.uniform(0.1, 0.4)
        s = _one(s, side=side, arm=rng.uniform(0.3, 1.4), elbow=rng.uniform(0, 0.8), inward=0.1)
    elif name == "carry":
        fore = rng.uniform(0.1, 0.5)
        s.arm, s.elbow, s.inward = (fore, fore), (rng.uniform(1.0, 1.6),) * 2, (0.2, 0.2)
    elif name == "sit":
        s.thigh, s.knee = (1.5, 1.45 + rng.normal(0, 0.1)), (1.5, 1.4 + rng.normal(0, 0.2))
        s.lean, s.arm, s.elbow = rng.normal(0.05, 0.2), (0.4, 0.35), (0.8, rng.uniform(0.5, 1.5))
        s.splay = rng.uniform(0.03, 0.25)
    elif name == "talk":
        s = _one(s, side=side, arm=rng.uniform(0.1, 0.9), elbow=rng.uniform(0.6, 1.8), inward=0.3)
    return s


def _one(s: Stance, *, side: int, arm: float, elbow: float, inward: float) -> Stance:
    def put(pair: tuple[float, float], value: float) -> tuple[float, float]:
        return (value, pair[1]) if side == 0 else (pair[0], value)

    s.arm, s.elbow, s.inward = put(s.arm, arm), put(s.elbow, elbow), put(s.inward, inward)
    return s


def posed(shape: int, angles: Stance, *, far: bool = False) -> Posed:
    """Pose a body of the store.

    Args:
        shape: which one.
        angles: the pose.
        far: take the coarse mesh.
    """
    store = load()
    mesh = store.far if far else store.near
    joints = store.joints[shape].astype(float)
    turns = _turns(angles, joints)
    moved = np.zeros_like(joints)
    moved[0] = joints[0]
    for group in range(1, len(GROUPS)):
        up = PARENT[group]
        moved[group] = moved[up] + turns[up] @ (joints[group] - joints[up])
    shift = moved - np.einsum("gij,gj->gi", turns, joints)
    frames = np.concatenate([turns, shift[:, :, None]], 2).reshape(len(GROUPS), 12)
    each = (mesh.weights @ frames).reshape(-1, 3, 4)
    rest = store.vertices[shape][mesh.pick]
    vertices = (each[:, :, :3] @ rest[:, :, None])[:, :, 0] + each[:, :, 3]
    normals = (each[:, :, :3] @ store.normals[shape][mesh.pick][:, :, None])[:, :, 0]
    low = float(vertices[:, 2].min())
    vertices[:, 2] -= low
    moved[:, 2] -= low
    skull = mesh.part == G["head"]
    top = store.vertices[shape][mesh.pick][skull][:, 2].max()
    crown_rest = np.array([joints[G["head"]][0] + 0.01, 0.0, top - 0.12])
    head = turns[G["head"]] @ crown_rest + shift[G["head"]] - [0, 0, low]
    soles = np.isin(mesh.part, [G["foot.L"], G["foot.R"]])
    both = [
        vertices[soles & (mesh.part == G[side])][:, :2].mean(0) for side in ("foot.L", "foot.R")
    ]
    foot = np.array([*np.mean(both, 0), 0.0])
    return Posed(mesh, vertices, normals, turns, moved, head, foot, float(rest[:, 2].max()))


def _turns(s: Stance, joints: Array) -> Array:
    out = np.zeros((len(GROUPS), 3, 3))
    out[G["pelvis"]] = turn(pitch=s.lean * 0.6, roll=s.roll)
    out[G["belly"]] = turn(pitch=s.lean + s.bow * 0.4, yaw=s.twist * 0.5, roll=s.roll)
    out[G["chest"]] = chest = turn(pitch=s.lean + s.bow, yaw=s.twist, roll=s.roll)
    nod, look = s.head
    out[G["neck"]] = turn(pitch=(s.lean + s.bow) * 0.7 + nod * 0.5, yaw=s.twist + look * 0.5)
    out[G["head"]] = turn(pitch=(s.lean + s.bow) * 0.5 + nod, yaw=s.twist + look)
    for index, (side, sign) in enumerate(((".L", 1.0), (".R", -1.0))):
        thigh, knee = s.thigh[index], s.knee[index]
        hip, kneed, ankle = (joints[G[name + side]] for name in ("uleg", "lleg", "foot"))
        out[G["uleg" + side]] = aim(kneed - hip, direction(forward=thigh, out=sign * s.splay))
        shin = direction(forward=thigh - knee, out=sign * s.splay * 0.7)
        out[G["lleg" + side]] = aim(ankle - kneed, shin)
        out[G["foot" + side]] = turn(yaw=sign * 0.15, pitch=s.foot[index])
        shoulder, elbow, wrist = (joints[G[name + side]] for name in ("uarm", "larm", "hand"))
        upper = direction(forward=s.arm[index], out=sign * s.spread[index])
        lower = turn(pitch=-s.elbow[index]) @ upper
        lower = turn(yaw=-sign * s.inward[index]) @ lower
        out[G["uarm" + side]] = aim(elbow - shoulder, chest @ upper)
        out[G["larm" + side]] = aim(wrist - elbow, chest @ lower)
        out[G["hand" + side]] = out[G["larm" + side]]
    return out


if __name__ == "__main__":
    build()
