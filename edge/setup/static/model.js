// What the page edits, with its past: every change goes through edit(), so that it can be undone.

const PAST_MOST = 200;

export function makeModel() {
  const model = {
    now: { cameras: [], plan: { version: "1", outline: [], fixtures: [], zones: [] } },
    saved: "",
    filed: new Set(), // names of cameras in the file
    addressed: false, // whether an address waits to be saved
    camera: "",
    chosen: null, // of the plan: {type: "zone" | "fixture" | "outline", index, corner}
    past: [],
    future: [],
    watchers: new Set(),
    // Change the draft; calls with the same `joined` key in a row are one step back.
    edit(change, joined = "") {
      const before = JSON.stringify(model.now);
      change(model.now);
      if (JSON.stringify(model.now) === before) return;
      if (!joined || joined !== model.joined) {
        model.past.push(before);
        if (model.past.length > PAST_MOST) model.past.shift();
      }
      model.joined = joined;
      model.future = [];
      model.tell();
    },
    undo() { step(model, model.past, model.future); },
    redo() { step(model, model.future, model.past); },
    separate() { model.joined = ""; },
    tell() { for (const watcher of [...model.watchers]) watcher(); },
    dirty() { return model.addressed || JSON.stringify(draftOf(model.now)) !== model.saved; },
    load({ draft, filed, addressed }) {
      model.filed = new Set(filed);
      model.addressed = addressed.length > 0;
      model.now = {
        cameras: draft.cameras.map((camera) => ({
          ...camera,
          rows: camera.points.map(([x, y, east, north]) => ({ x, y, east, north })),
        })),
        plan: draft.plan,
      };
      for (const camera of model.now.cameras) delete camera.points;
      model.saved = JSON.stringify(draftOf(model.now));
      model.past = [];
      model.future = [];
      model.joined = "";
    },
  };
  return model;
}

function step(model, from, to) {
  if (!from.length) return;
  to.push(JSON.stringify(model.now));
  model.now = JSON.parse(from.pop());
  model.joined = "";
  model.chosen = null;
  model.tell();
}

// What the server knows: points that are whole only.
export function draftOf(now) {
  return { cameras: now.cameras.map(cameraOf), plan: now.plan };
}

export function cameraOf(camera) {
  const { rows, found, ...rest } = camera;
  const points = rows.filter(isWhole).map((row) => [row.x, row.y, row.east, row.north]);
  return { ...rest, lens: rest.lens ?? found ?? null, points };
}

// The same for a trial, which chooses a lens by the points if none is given.
export function openCameraOf(camera) {
  return { ...cameraOf(camera), lens: camera.lens };
}

export function isWhole(row) {
  return [row.x, row.y, row.east, row.north].every((value) => Number.isFinite(value));
}

// A number as people type it, with a point or a comma; null if it is none.
export function numberOf(text) {
  const clean = text.trim().replace(",", ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(clean) ? Number(clean) : null;
}

export function shown(value, places = 2) {
  return Number.isFinite(value) ? String(Number(value.toFixed(places))) : "";
}
