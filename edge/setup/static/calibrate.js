// Step 1: points in the picture and where they are on the floor.

import { look, picture, tell } from "./api.js";
import { drawFloor, extentOf } from "./floor.js";
import { isWhole, numberOf, openCameraOf, shown } from "./model.js";
import { PlanImage } from "./planimage.js";
import { Stage, node, zoomButtons } from "./stage.js";

const $ = (id) => document.getElementById(id);
const FIELDS = [["x", 1], ["y", 1], ["east", 2], ["north", 2]];
const FEWEST = 4;
// Below a hand's width nobody is put on the wrong side of a shelf; beyond a step, they are.
const GOOD_CM = 10, FAIR_CM = 25;
const REACH_PX = 12;
// As the choice of lenses calls them.
const LENSES = { pinhole: "lines stay straight", distorted: "lines bend a little", fisheye: "fisheye, round" };

export class Calibrate {
  constructor(model, { say, onJudged }) {
    this.model = model;
    this.say = say;
    this.onJudged = onJudged; // what would be saved may have changed without an edit
    this.chosen = -1;
    this.trial = null;
    this.state = null;
    this.url = "";
    this.at = "";
    this.shownFor = 0;
    this.picture = new Stage($("picture"), { hooks: {
      draw: (stage) => this.drawPicture(stage),
      grab: (point, target) => this.grabMark(target, ([x, y]) => ({ x, y })),
      click: (point) => this.place({ x: point[0], y: point[1] }),
      key: (event) => this.nudge(event),
    } });
    this.floor = new Stage($("floor"), { up: true, hooks: {
      draw: (stage) => this.drawFloor(stage),
      grab: (point, target) => (this.image.busy ? null
        : this.grabMark(target, ([east, north]) => ({ east, north }))),
      click: (point) => this.clickFloor(point),
      key: () => {},
    } });
    zoomButtons(document.querySelector('[data-for="picture"]'), this.picture);
    zoomButtons(document.querySelector('[data-for="floor"]'), this.floor);
    this.image = new PlanImage(this.floor, { onChange: () => { this.fitFloor(); model.tell(); }, say });
    model.planImage = this.image;
    $("camera").addEventListener("change", () => this.choose($("camera").value));
    $("grid").addEventListener("change", () => this.picture.draw());
    $("point-add").addEventListener("click", () => this.addRow({}));
    $("points-clear").addEventListener("click", () => this.change((camera) => { camera.rows = []; camera.size_px = null; }));
    $("points").tBodies[0].addEventListener("input", (event) => this.typed(event.target));
    $("points").tBodies[0].addEventListener("focusin", (event) => this.pick(rowOf(event.target)));
    $("points").tBodies[0].addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.matches("input")) $("picture").focus();
    });
    $("points").tBodies[0].addEventListener("click", (event) => {
      if (event.target.matches("button")) this.remove(rowOf(event.target));
    });
    $("lens").addEventListener("change", () => this.change((camera) => { camera.lens = $("lens").value || null; }));
    for (const [id, key] of [["height", "height_m"], ["hfov", "hfov_deg"]]) {
      $(id).addEventListener("input", () => {
        const value = numberOf($(id).value);
        $(id).classList.toggle("wrong", value === null && $(id).value.trim() !== "");
        this.change((camera) => { camera[key] = value; }, key);
      });
    }
    this.cameraDialog();
    model.watchers.add(() => this.refresh());
  }

  get camera() {
    return this.model.now.cameras.find((camera) => camera.name === this.model.camera);
  }

  change(how, joined = "") {
    if (this.camera) this.model.edit(() => how(this.camera), joined);
  }

  choose(name) {
    this.model.camera = name;
    this.chosen = -1;
    this.trial = null;
    this.state = null;
    this.showPicture("");
    this.model.tell();
    this.fitFloor();
    this.poll();
  }

  enter() {
    if (!this.camera && this.model.now.cameras.length) this.choose(this.model.now.cameras[0].name);
    else this.refresh();
    this.fitFloor();
  }

  // Keep all points in view where nothing else says how large the floor is.
  followPoints() {
    const key = String(extentOf(this.model.now.plan, this.camera?.rows));
    if (key !== this.extent && !this.model.now.plan.outline.length && !this.image.there) this.fitFloor();
    this.extent = key;
  }

  fitFloor() {
    this.floor.fit(...this.image.extent(extentOf(this.model.now.plan, this.camera?.rows)));
  }

  // ---- the camera's picture

  async poll() {
    const name = this.model.camera;
    if (!name) return;
    let state;
    try {
      state = await look(`api/cameras/${encodeURIComponent(name)}`);
    } catch (error) {
      this.say(error.message, "wrong");
      return;
    }
    if (name !== this.model.camera) return;
    const first = !this.state?.size_px && state.size_px;
    this.state = state;
    this.showState();
    if (first) this.fitPicture();
    const patience = state.settled === this.shownSettled ? 30_000 : 2_500;
    if (state.size_px && (first || Date.now() - this.shownFor > patience)) {
      this.shownFor = Date.now();
      this.shownSettled = state.settled;
      try {
        const url = await picture(`api/cameras/${encodeURIComponent(name)}/room.png`);
        if (name === this.model.camera) this.showPicture(url);
      } catch { /* said by the state */ }
    }
  }

  showPicture(url) {
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = url;
    this.picture.draw();
  }

  size() {
    return this.camera?.size_px ?? this.state?.size_px ?? null;
  }

  fitPicture() {
    const size = this.size();
    if (size) this.picture.fit(0, 0, size[0], size[1], 0.01);
  }

  otherShape() {
    const mine = this.camera?.size_px, its = this.state?.size_px;
    return Boolean(mine && its && Math.abs(mine[0] * its[1] - mine[1] * its[0]) > Math.max(...mine));
  }

  showState() {
    const { state, detail, settled, size_px: size } = this.state ?? {};
    const part = Math.floor(100 * (settled ?? 0));
    $("settling").textContent = !this.camera ? "Add a camera first, or choose one"
      : !size ? "Waiting for the camera's first picture …"
        : settled > 0.995 ? "" : settled === 0 ? "Learning the room: its first parts show after a minute or two"
          : `${part} % of the picture has settled`;
    const parts = [];
    if (state === "down") parts.push(`The camera is down: ${detail}.`);
    else if (size && settled <= 0.995) {
      parts.push("Hatched parts show once nobody has moved there for about a minute. Nobody who is in the "
        + "picture is ever shown; a part where people keep moving may take many minutes, a thing that is "
        + "taken for a person six while nothing moves near it. You need only the parts with your marks.");
    }
    if (this.otherShape()) {
      parts.push(`The camera gives ${size.join(" × ")} pixels now, but the points were read at `
        + `${this.camera.size_px.join(" × ")}: set the camera back, or remove all points and begin anew.`);
    }
    $("camera-state").textContent = parts.join(" ");
    $("camera-state").classList.toggle("bad", state === "down" || this.otherShape());
  }

  // ---- points

  addRow(values) {
    if (!this.camera) return;
    this.change((camera) => {
      camera.rows.push({ x: null, y: null, east: null, north: null, ...values });
      camera.size_px ??= this.state?.size_px ?? null;
    });
    this.chosen = this.camera.rows.length - 1;
    this.refresh();
    const [field] = FIELDS.find(([key]) => this.camera.rows[this.chosen][key] === null) ?? ["east"];
    $("points").querySelector(`tr[data-row="${this.chosen}"] input[data-key="${field}"]`)?.focus();
  }

  // Give a place to the chosen point if it lacks one, else to a new point.
  place(values) {
    if (!this.size() && "x" in values) return;
    const rounded = Object.fromEntries(Object.entries(values).map(([key, value]) =>
      [key, Number(value.toFixed("x" in values ? 1 : 2))]));
    const row = this.camera?.rows[this.chosen];
    const [key] = Object.keys(values);
    if (row && row[key] === null) {
      this.change(() => Object.assign(row, rounded));
      this.refresh();
      if (!isWhole(row)) this.focusEast();
    } else this.addRow(rounded);
  }

  focusEast() {
    $("points").querySelector(`tr[data-row="${this.chosen}"] input[data-key="east"]`)?.focus();
  }

  clickFloor(point) {
    if (this.image.click(point)) return;
    const [east, north] = this.snapped(point);
    this.place({ east, north });
  }

  snapped([east, north]) {
    const plan = this.model.now.plan, reach = REACH_PX * this.floor.unit;
    const corners = [...plan.outline, ...plan.fixtures.flat(), ...plan.zones.flatMap((zone) => zone.polygon)];
    const near = corners.map((corner) => [Math.hypot(corner[0] - east, corner[1] - north), corner])
      .filter(([away]) => away < reach).sort((a, b) => a[0] - b[0]);
    return near.length ? near[0][1] : [east, north];
  }

  grabMark(target, values) {
    if (target?.dataset.grab !== "mark") return null;
    const index = Number(target.dataset.index);
    this.pick(index);
    return {
      move: (point) => {
        const places = Object.entries(values(point));
        this.change((camera) => {
          for (const [key, value] of places) {
            camera.rows[index][key] = Number(value.toFixed(key === "x" || key === "y" ? 1 : 2));
          }
        }, `drag ${index}`);
      },
      up: () => this.model.separate(),
    };
  }

  nudge(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const row = this.camera?.rows[this.chosen];
    if (event.key === "Delete" && row) this.remove(this.chosen);
    if (!step || !row || row.x === null) return;
    event.preventDefault();
    const by = event.shiftKey ? 10 : event.altKey ? 0.1 : 1;
    this.change((camera) => {
      camera.rows[this.chosen].x = Number((row.x + by * step[0]).toFixed(1));
      camera.rows[this.chosen].y = Number((row.y + by * step[1]).toFixed(1));
    }, `nudge ${this.chosen}`);
  }

  typed(input) {
    const value = numberOf(input.value);
    input.classList.toggle("wrong", value === null && input.value.trim() !== "");
    this.change((camera) => {
      camera.rows[rowOf(input)][input.dataset.key] = value;
      camera.size_px ??= this.state?.size_px ?? null;
    }, `type ${rowOf(input)} ${input.dataset.key}`);
  }

  remove(index) {
    this.chosen = -1;
    this.change((camera) => { camera.rows.splice(index, 1); });
  }

  pick(index) {
    if (index === this.chosen) return;
    this.chosen = index;
    this.redraw();
  }

  // ---- showing

  refresh() {
    this.fillCameras();
    const camera = this.camera;
    for (const [id, key] of [["height", "height_m"], ["hfov", "hfov_deg"]]) {
      fill($(id), camera?.[key] ?? null, 3);
    }
    $("lens").value = camera?.lens ?? "";
    $("lens").title = camera?.focal_px ? "The lens's own numbers stand in the file" : "";
    for (const id of ["camera-address", "lens", "height", "hfov", "point-add", "points-clear"]) $(id).disabled = !camera;
    this.showState();
    this.ask();
    this.followPoints();
    this.redraw();
  }

  redraw() {
    this.fillPoints();
    this.showVerdict();
    this.picture.draw();
    this.floor.draw();
  }

  fillCameras() {
    const names = this.model.now.cameras.map((camera) => camera.name);
    if ([...$("camera").options].map((option) => option.value).join() !== names.join()) {
      $("camera").replaceChildren(...names.map((name) => new Option(name, name)));
    }
    $("camera").value = this.model.camera;
  }

  ask() {
    const camera = this.camera;
    const key = JSON.stringify([camera && openCameraOf(camera), this.model.now.plan.outline]);
    if (key === this.at) return;
    this.at = key;
    clearTimeout(this.timer);
    if (!camera || !camera.rows.some(isWhole)) {
      this.trial = null;
      return;
    }
    this.timer = setTimeout(() => this.fit(false), 80);
  }

  // A glance at once; once nothing changes for a while the judgement, which takes a small box
  // seconds. One question at a time, the newest wins.
  async fit(judged) {
    if (this.fitting) {
      this.waiting = judged;
      return;
    }
    const camera = this.camera, at = this.at;
    if (!camera) return;
    this.fitting = true;
    this.waiting = undefined;
    try {
      const asked = openCameraOf(camera);
      if (!judged) asked.lens ??= camera.found ?? null;
      const trial = await tell("api/trial", { camera: asked, plan: this.model.now.plan, judged });
      if (this.at === at) this.take({ ...trial, at });
    } catch (error) {
      this.say(error.message, "wrong");
    }
    this.fitting = false;
    if (this.waiting !== undefined) this.fit(this.waiting);
  }

  take(trial) {
    this.trial = trial;
    // What the points chose is what is saved; no step of the past.
    if (trial.judged && this.camera && !this.camera.lens) this.camera.found = trial.lens || null;
    if (!trial.judged && trial.points.length) this.timer = setTimeout(() => this.fit(true), 500);
    this.redraw();
    if (trial.judged) this.onJudged();
  }

  // The trial's word on each row; rows that are not whole have none.
  trials() {
    const rows = this.camera?.rows ?? [];
    let number = -1;
    return rows.map((row) => {
      if (!isWhole(row)) return null;
      number += 1;
      const found = this.trial?.points[number];
      return found && { ...found, suspect: this.trial.suspect === number + 1 };
    });
  }

  fillPoints() {
    const rows = this.camera?.rows ?? [], trials = this.trials(), body = $("points").tBodies[0];
    while (body.rows.length > rows.length) body.deleteRow(-1);
    while (body.rows.length < rows.length) body.append(emptyRow(body.rows.length));
    rows.forEach((row, index) => {
      const line = body.rows[index], trial = trials[index];
      line.classList.toggle("chosen", index === this.chosen);
      line.classList.toggle("suspect", Boolean(trial?.suspect));
      for (const [key, places] of FIELDS) fill(line.querySelector(`[data-key="${key}"]`), row[key], places);
      line.querySelector(".miss").textContent = figure(trial?.error_cm);
      line.querySelector(".alone").textContent = figure(trial?.alone_cm);
    });
  }

  showVerdict() {
    const whole = (this.camera?.rows ?? []).filter(isWhole).length;
    const said = [];
    const say = (look, text) => said.push(Object.assign(document.createElement("p"), { className: look, textContent: text }));
    if (!this.camera) say("", "Choose or add a camera.");
    else if (whole < FEWEST) say("", `${whole} of at least ${FEWEST} points; six or more can be checked.`);
    else if (this.trial?.at !== this.at) say("", "Looking how the points fit …");
    else this.judge(this.trial, whole, say);
    $("verdict").replaceChildren(...said);
  }

  judge(trial, whole, say) {
    if (trial.error) say("poor", sentence(trial.error));
    if (trial.suspect) {
      const index = this.numberOfWhole(trial.suspect);
      say("poor", `Look at point ${index} first: clicked and measured at the same spot, east and north not swapped?`);
    }
    if (trial.error || trial.rms_cm === null) return;
    const fit = `The points miss by ${centimetres(trial.rms_cm)}`;
    if (!trial.judged) say("", `${fit}; looking how well each fits the others …`);
    else if (whole <= FEWEST) say("fair", "Four points always fit. Add more to see how good the calibration is.");
    else if (trial.alone_cm === null) say("fair", `${fit}. Add a point or two to tell what to expect between them.`);
    else {
      const look = trial.alone_cm <= GOOD_CM ? "good" : trial.alone_cm <= FAIR_CM ? "fair" : "poor";
      say(look, `${fit}; judged by the others alone, by ${centimetres(trial.alone_cm)}. `
        + { good: "Good.", fair: "Usable; measure again what misses most to be better than 10 cm.",
          poor: "Too much: measure again what misses most, or try another lens." }[look]);
    }
    const facts = [`lens: ${LENSES[trial.lens]}${this.camera.lens ? "" : ", as the points have it"}`];
    if (trial.camera_m) {
      const [east, north, height] = trial.camera_m.map((value) => value.toFixed(1));
      facts.push(`the camera hangs ${height} m high over ${east} east, ${north} north`);
    } else {
      say("fair", "The points do not tell how high the camera hangs. Type its height below: without it "
        + "heads cannot be placed.");
    }
    if (trial.hfov_deg) facts.push(`field of view ${trial.hfov_deg.toFixed(0)}°`);
    say("", sentence(facts.join("; ")));
    for (const hint of trial.hints) say("fair", sentence(hint));
  }

  numberOfWhole(number) {
    let seen = 0;
    return 1 + this.camera.rows.findIndex((row) => isWhole(row) && ++seen === number);
  }

  drawPicture(stage) {
    const size = this.size();
    if (!size) return [];
    const unit = stage.unit, drawn = [];
    if (this.url) drawn.push(node("image", { href: this.url, width: size[0], height: size[1], preserveAspectRatio: "none" }));
    if ($("grid").checked) drawn.push(...this.drawGrid(unit));
    const trials = this.trials();
    (this.camera?.rows ?? []).forEach((row, index) => {
      if (row.x === null || row.y === null) return;
      const seen = trials[index]?.seen_px;
      if (seen) drawn.push(node("line", { x1: row.x, y1: row.y, x2: seen[0], y2: seen[1], class: "off" }));
      drawn.push(...this.mark(index, row.x, row.y, unit, trials[index]));
    });
    return drawn;
  }

  drawGrid(unit) {
    const drawn = [];
    for (const line of this.trial?.grid ?? []) {
      for (const piece of line.pieces) {
        drawn.push(node("polyline", { points: piece.map((point) => point.join()).join(" "),
          class: `grid-line ${line.at_m % 5 ? "" : "far"}` }));
      }
      const [x, y] = line.pieces[0][0], right = x > this.size()[0] - 40 * unit;
      drawn.push(node("text", { x: x + (right ? -3 : 3) * unit, y: y - 3 * unit, "font-size": 11 * unit,
        "text-anchor": right ? "end" : "start", class: "label" },
        `${line.at_m} ${line.axis === "east" ? "E" : "N"}`));
    }
    return drawn;
  }

  mark(index, x, y, unit, trial) {
    const looks = [index === this.chosen ? "chosen" : "", trial?.suspect ? "suspect" : "",
      isWhole(this.camera.rows[index]) ? "" : "open"].join(" ");
    return [
      node("circle", { cx: x, cy: y, r: 9 * unit, class: `mark ${looks}`, "data-grab": "mark", "data-index": index }),
      node("line", { x1: x - 4 * unit, x2: x + 4 * unit, y1: y, y2: y, class: "cross" }),
      node("line", { x1: x, x2: x, y1: y - 4 * unit, y2: y + 4 * unit, class: "cross" }),
      node("text", { x: x + 11 * unit, y: y - 7 * unit, "font-size": 14 * unit, class: "label" }, `${index + 1}`),
    ];
  }

  drawFloor(stage) {
    if (this.image.busy) return this.image.draw(stage);
    const drawn = drawFloor(stage, this.model.now.plan, { under: this.image.draw(stage) });
    const trials = this.trials();
    (this.camera?.rows ?? []).forEach((row, index) => {
      if (row.east === null || row.north === null) return;
      drawn.push(...this.mark(index, row.east, -row.north, stage.unit, trials[index]));
    });
    return drawn;
  }

  // One dialog for a new camera and for another address of one that is there.
  cameraDialog() {
    const open = (camera) => {
      $("camera-form").reset();
      $("camera-error").textContent = "";
      $("camera-title").textContent = camera ? `Another address for ${camera.name}` : "Add a camera";
      $("camera-name").value = camera?.name ?? "";
      $("camera-name").readOnly = Boolean(camera);
      $("camera-take").textContent = camera ? "Look there" : "Add";
      $("camera-drop").hidden = !camera || this.model.filed.has(camera.name);
      $("camera-dialog").showModal();
      if (camera) $("camera-source").focus();
    };
    const ask = async (path, body) => {
      try {
        await tell(path, body);
      } catch (error) {
        $("camera-error").textContent = error.message;
        return false;
      }
      $("camera-dialog").close();
      return true;
    };
    $("camera-add").addEventListener("click", () => open(null));
    $("camera-address").addEventListener("click", () => open(this.camera));
    $("camera-cancel").addEventListener("click", () => $("camera-dialog").close());
    $("camera-form").addEventListener("submit", async (event) => {
      event.preventDefault();
      const name = $("camera-name").value.trim(), typed = $("camera-source").value.trim();
      const source = /^\d+$/.test(typed) ? Number(typed) : typed;
      const added = !$("camera-name").readOnly;
      if (added && this.model.now.cameras.some((camera) => camera.name === name)) {
        $("camera-error").textContent = `There is a camera ${name} already; give this one another name.`;
        return;
      }
      if (!await ask("api/cameras", { name, source, new: added })) return;
      this.model.addressed = true;
      if (added) {
        this.model.edit((now) => now.cameras.push({
          name, size_px: null, lens: null, height_m: null, hfov_deg: null, rows: [] }));
      }
      this.choose(name);
    });
    $("camera-drop").addEventListener("click", async () => {
      const { name } = this.camera;
      if (!await ask("api/cameras/drop", { name })) return;
      this.model.edit((now) => { now.cameras = now.cameras.filter((camera) => camera.name !== name); });
      this.choose(this.model.now.cameras[0]?.name ?? "");
    });
  }
}

function emptyRow(index) {
  const line = document.createElement("tr");
  line.dataset.row = index;
  const cell = (content) => {
    const made = line.insertCell();
    if (content) made.append(content);
    return made;
  };
  cell(String(index + 1));
  for (const [key] of FIELDS) {
    const input = document.createElement("input");
    input.dataset.key = key;
    input.inputMode = "decimal";
    input.autocomplete = "off";
    input.setAttribute("aria-label", `point ${index + 1} ${key}`);
    cell(input);
  }
  cell().className = "miss";
  cell().className = "alone";
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "✕";
  button.setAttribute("aria-label", `remove point ${index + 1}`);
  cell(button);
  return line;
}

function rowOf(element) {
  return Number(element.closest("tr").dataset.row);
}

// Show a number, but leave alone what is being typed.
function fill(input, value, places) {
  if (document.activeElement === input && numberOf(input.value) === value) return;
  if (document.activeElement === input && value === null) return;
  input.value = shown(value, places);
  input.classList.remove("wrong");
}

function figure(value) {
  return value === null || value === undefined ? "" : value.toFixed(value < 10 ? 1 : 0);
}

function centimetres(value) {
  if (value === null || value === undefined) return "";
  return value < 100 ? `${value.toFixed(value < 10 ? 1 : 0)} cm` : `${(value / 100).toFixed(1)} m`;
}

function sentence(text) {
  return text && `${text[0].toUpperCase()}${text.slice(1)}${/[.?]$/.test(text) ? "" : "."}`;
}
