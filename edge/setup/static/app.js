// The page as a whole: the door, the steps, the past, saving.

import { Refused, look, tell } from "./api.js";
import { Calibrate } from "./calibrate.js";
import { draftOf, isWhole, makeModel } from "./model.js";
import { PlanEditor } from "./plan.js";
import { Walk } from "./walk.js";

const $ = (id) => document.getElementById(id);
const POLL_MS = 1_000;

const model = makeModel();
let steps = {};
let step = "";

function say(text, looks = "") {
  $("notice").hidden = !text;
  $("notice").className = `notice ${looks}`;
  $("notice").textContent = text;
}

async function start() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(null, "", location.pathname);
    try {
      await tell("api/enter", { token });
    } catch (error) {
      $("door-error").textContent = error.message;
    }
  }
  await open();
}

async function open() {
  let state;
  try {
    state = await look("api/state");
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) $("door-error").textContent = error.message;
    $("door").hidden = false;
    $("token").focus();
    return;
  }
  $("door").hidden = true;
  $("page").hidden = false;
  load(state);
  steps = { calibrate: new Calibrate(model, { say, onJudged: showTools }), plan: new PlanEditor(model, { say }), walk: new Walk(model, { say }) };
  steps.plan.known = new Set(state.draft.plan.zones.map((zone) => zone.id));
  model.watchers.add(showTools);
  model.tell();
  go("calibrate");
  setInterval(() => { if (step === "calibrate" && !document.hidden) steps.calibrate.poll(); }, POLL_MS);
  setInterval(() => { if (step === "plan" && !document.hidden) steps.plan.fetchAbove(); }, 15 * POLL_MS);
}

function load(state) {
  $("store").textContent = state.store ? `${state.store} · ${state.agent}` : "aislewise";
  $("file").textContent = state.file;
  $("save-file").textContent = state.file;
  document.title = `${state.store || "aislewise"} setup`;
  model.load(state);
}

function go(name) {
  if (step !== name) say("");
  step = name;
  for (const key of Object.keys(steps)) {
    $(key).hidden = key !== name;
    $(`tab-${key}`).setAttribute("aria-selected", String(key === name));
    $(`tab-${key}`).tabIndex = key === name ? 0 : -1;
  }
  steps[name].enter();
}

function showTools() {
  $("undo").disabled = !model.past.length;
  $("redo").disabled = !model.future.length;
  $("save").disabled = !model.dirty();
}

for (const tab of document.querySelectorAll('[role="tab"]')) {
  tab.addEventListener("click", () => go(tab.id.slice(4)));
  tab.addEventListener("keydown", (event) => {
    const to = { ArrowRight: tab.nextElementSibling, ArrowLeft: tab.previousElementSibling }[event.key];
    if (to) { to.focus(); to.click(); }
  });
}

$("undo").addEventListener("click", () => model.undo());
$("redo").addEventListener("click", () => model.redo());
addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.target.closest("dialog")) return;
  const key = event.key.toLowerCase();
  if (key === "z" || key === "y") {
    event.preventDefault();
    document.activeElement?.blur();
    if (key === "y" || event.shiftKey) model.redo();
    else model.undo();
  }
});
addEventListener("beforeunload", (event) => { if (model.dirty()) event.preventDefault(); });

// ---- saving

let digest = "";

// Show what saving would change now; `first` is said above it.
async function review(first = []) {
  const { errors, diff, readdressed, digest: seen } = await tell("api/review", draftOf(model.now));
  digest = seen;
  const left = model.now.cameras.flatMap((camera) => camera.rows).filter((row) => !isWhole(row)).length;
  const lines = [...first, ...errors.map((text) => ["poor", text])];
  if (left) lines.push(["fair", `${left} unfinished ${left === 1 ? "point is" : "points are"} left out.`]);
  for (const name of readdressed) lines.push(["fair", `Camera ${name} gets another address, which is not shown.`]);
  $("save-errors").replaceChildren(...lines.map(([className, textContent]) =>
    Object.assign(document.createElement("p"), { className, textContent })));
  $("save-diff").replaceChildren(...coloured(diff));
  $("save-diff").hidden = !diff && readdressed.length > 0;
  $("save-write").disabled = errors.length > 0 || !(diff || readdressed.length);
}

$("save").addEventListener("click", async () => {
  say("Looking what saving would change …");
  try {
    await review();
    say("");
    $("save-dialog").showModal();
  } catch (error) {
    say(error.message, "wrong");
  }
});

function coloured(diff) {
  if (!diff) return ["Nothing changes in the file."];
  return diff.split("\n").slice(2).map((line) => {
    const look = line.startsWith("+") ? "ins" : line.startsWith("-") ? "del" : "span";
    return Object.assign(document.createElement(look), { textContent: `${line}\n` });
  });
}

$("save-cancel").addEventListener("click", () => $("save-dialog").close());
$("save-write").addEventListener("click", async () => {
  try {
    await tell("api/save", { draft: draftOf(model.now), digest });
    const { camera } = model;
    load(await look("api/state"));
    model.camera = camera;
    steps.plan.known = new Set(model.now.plan.zones.map((zone) => zone.id));
    model.tell();
    say(`Saved. Check it by walking (step 3) and by: aisle-edge check --config ${$("file").textContent}. A running `
      + "agent takes it up when it is started again: sudo systemctl restart aisle-edge", "fine");
    $("save-dialog").close();
  } catch (error) {
    try {
      await review([["poor", error.message]]); // the file may say something else by now
    } catch {
      $("save-dialog").close();
      say(error.message, "wrong");
    }
  }
});

$("door-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("door-error").textContent = "";
  try {
    await tell("api/enter", { token: $("token").value.trim() });
    await open();
  } catch (error) {
    $("door-error").textContent = error.message;
  }
});

start();
