// Step 2: outline, fixtures and zones, drawn on the floor.

import { drawn as fetchDrawn, tell } from "./api.js";
import { KINDS, area, drawFloor, extentOf, inside, middleOf, pointsOf } from "./floor.js";
import { cameraOf, isWhole, numberOf, shown } from "./model.js";
import { Stage, node, zoomButtons } from "./stage.js";

const $ = (id) => document.getElementById(id);
const SNAP_PX = 10;
const LEAST_M2 = 0.01;
const HELP = {
  select: "Click a shape to choose it; drag a corner to move it, a small circle to add one; drag a chosen "
    + "shape to move all of it; arrow keys move what is chosen. Drag the floor to move the view.",
  box: "Drag from corner to corner.",
  polygon: "Click corner by corner; click the first one again, or press Enter, to close. Escape gives up.",
};

export class PlanEditor {
  constructor(model, { say }) {
    this.model = model;
    this.say = say;
    this.tool = "select";
    this.sketch = [];
    this.hint = null;
    this.known = new Set();
    this.above = new Map();
    this.wrong = [];
    this.stage = new Stage($("canvas"), { up: true, hooks: {
      draw: (stage) => this.draw(stage),
      grab: (point, target) => this.grab(point, target),
      click: (point) => this.click(point),
      hover: (point) => this.hover(point),
      key: (event) => this.key(event),
    } });
    zoomButtons(document.querySelector('[data-for="canvas"]'), this.stage);
    for (const button of $("plan-tools").children) {
      button.addEventListener("click", () => this.choose(button.dataset.tool));
    }
    $("what").replaceChildren(...KINDS.map((kind) => new Option(`zone: ${kind}`, kind)),
      new Option("fixture (shelf, counter)", "fixture"), new Option("outline (walls)", "outline"));
    $("shape-kind").replaceChildren(...KINDS.map((kind) => new Option(kind, kind)));
    $("what").addEventListener("change", () => { if (this.tool === "select") this.choose("box"); });
    $("delete").addEventListener("click", () => this.remove());
    $("above").addEventListener("change", () => this.stage.draw());
    $("outline-set").addEventListener("click", () => this.setOutline());
    $("shape-add").addEventListener("click", () => this.addSquare());
    $("shape-name").addEventListener("input", () => this.rename($("shape-name").value));
    $("shape-kind").addEventListener("change", () => this.changeKind($("shape-kind").value));
    $("shape-corners").addEventListener("input", () => this.typedCorners());
    model.watchers.add(() => this.refresh());
    this.choose("select");
  }

  get plan() { return this.model.now.plan; }
  get chosen() { return this.model.chosen; }
  set chosen(value) { this.model.chosen = value; }

  enter() {
    this.fit();
    this.refresh();
    this.fetchAbove();
  }

  fit() {
    const rows = this.model.now.cameras.flatMap((camera) => camera.rows);
    this.extent = extentOf(this.plan, rows);
    this.stage.fit(...this.model.planImage.extent(this.extent));
  }

  choose(tool) {
    this.tool = tool;
    this.sketch = [];
    this.hint = null;
    for (const button of $("plan-tools").children) {
      button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    }
    $("plan-help").textContent = HELP[tool];
    $("canvas").classList.toggle("still", tool !== "select");
    this.stage.draw();
  }

  // ---- polygons by their place in the plan

  polygon(one) {
    if (!one) return null;
    if (one.type === "outline") return this.plan.outline.length ? this.plan.outline : null;
    if (one.type === "fixture") return this.plan.fixtures[one.index] ?? null;
    return this.plan.zones[one.index]?.polygon ?? null;
  }

  put(one, polygon, joined = "") {
    this.model.edit((now) => {
      if (one.type === "outline") now.plan.outline = polygon;
      else if (one.type === "fixture") now.plan.fixtures[one.index] = polygon;
      else now.plan.zones[one.index].polygon = polygon;
    }, joined);
  }

  add(what, polygon) {
    const [west, south, east, north] = extentOf({ outline: polygon, fixtures: [], zones: [] });
    if ((east - west) * (north - south) < LEAST_M2) { // a slip of the hand; what crosses itself is told
      this.stage.draw();
      return;
    }
    this.model.edit((now) => {
      if (what === "outline") {
        now.plan.outline = polygon;
        this.chosen = { type: "outline", index: 0 };
      } else if (what === "fixture") {
        this.chosen = { type: "fixture", index: now.plan.fixtures.push(polygon) - 1 };
      } else {
        const zone = { id: this.freeId(what), kind: what, polygon, name: "" };
        this.chosen = { type: "zone", index: now.plan.zones.push(zone) - 1 };
      }
    });
    this.choose("select");
    this.refresh();
    if (this.chosen.type === "zone") $("shape-name").focus({ preventScroll: true });
  }

  remove() {
    const one = this.chosen, polygon = this.polygon(one);
    if (!polygon) return;
    if (one.corner !== undefined && polygon.length > 3) {
      this.chosen = { type: one.type, index: one.index };
      this.put(one, polygon.filter((_, index) => index !== one.corner));
      return;
    }
    this.chosen = null;
    this.model.edit((now) => {
      if (one.type === "outline") now.plan.outline = [];
      else (one.type === "fixture" ? now.plan.fixtures : now.plan.zones).splice(one.index, 1);
    });
  }

  setOutline() {
    const width = numberOf($("floor-width").value), depth = numberOf($("floor-depth").value);
    if (!(width > 0 && depth > 0)) {
      this.say("Give both sides of the shop in metres, numbers only.", "wrong");
      return;
    }
    this.say("");
    this.add("outline", [[0, 0], [width, 0], [width, depth], [0, depth]]);
    this.fit();
    this.fetchAbove();
  }

  addSquare() {
    const { x, y, width, height } = this.stage.box;
    const east = Math.round(x + width / 2), north = Math.round(-(y + height / 2));
    this.add($("what").value, [[east, north], [east + 1, north], [east + 1, north + 1], [east, north + 1]]);
  }

  // A zone's id is its name for the hub, for ever: it follows the name only until it is saved.
  rename(name) {
    const { index } = this.chosen;
    this.model.edit((now) => {
      const zone = now.plan.zones[index];
      zone.name = name.trim() ? name : "";
      if (!this.known.has(zone.id)) zone.id = this.freeId(name, index) || this.freeId(zone.kind, index);
    }, `name ${index}`);
  }

  changeKind(kind) {
    const { index } = this.chosen;
    this.model.edit((now) => {
      const zone = now.plan.zones[index];
      if (!this.known.has(zone.id) && !zone.name) zone.id = this.freeId(kind, index);
      zone.kind = kind;
    });
  }

  freeId(text, mine = -1) {
    const taken = new Set(this.plan.zones.filter((_, index) => index !== mine).map((zone) => zone.id));
    const plain = text.trim().toLowerCase().replaceAll("ß", "ss").normalize("NFKD").replace(/[\u0300-\u036f]/g, "")
      .replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 28).replace(/-+$/, "");
    if (!plain) return "";
    if (!KINDS.includes(plain) && !taken.has(plain)) return plain;
    for (let number = 1; ; number++) if (!taken.has(`${plain}-${number}`)) return `${plain}-${number}`;
  }

  typedCorners() {
    const corners = $("shape-corners").value.trim().split("\n").filter((line) => line.trim())
      .map((line) => line.trim().split(/[;\s]+/).map(numberOf));
    const good = corners.length >= 3 && corners.every((one) => one.length === 2 && one.every((v) => v !== null));
    $("shape-corners").classList.toggle("wrong", !good);
    if (good) this.put(this.chosen, corners, "corners");
  }

  // ---- snapping

  snap(point, without = null) {
    const reach = SNAP_PX * this.stage.unit, step = Number($("snap").value);
    const round = (value) => (step ? Math.round(value / step) * step : value);
    const grid = point.map(round);
    this.hint = null;
    if ($("corners").checked) {
      const others = this.others(without);
      const corner = nearest(point, others.flat(), reach);
      if (corner) {
        this.hint = corner;
        return corner.map(centimetre);
      }
      const edge = nearest(point, others.flatMap((polygon) => polygon.map((from, i) =>
        onEdge(grid, from, polygon[(i + 1) % polygon.length]))), reach);
      if (edge) {
        this.hint = edge;
        return edge.map(centimetre);
      }
    }
    return grid.map(centimetre);
  }

  others(without) {
    const all = [{ type: "outline", index: 0 }, ...this.plan.fixtures.map((_, index) => ({ type: "fixture", index })),
      ...this.plan.zones.map((_, index) => ({ type: "zone", index }))];
    return all.filter((one) => !(without && one.type === without.type && one.index === without.index))
      .map((one) => this.polygon(one)).filter(Boolean);
  }

  // ---- the pointer

  grab(point, target) {
    if (this.tool === "box") return this.grabBox(point);
    if (this.tool !== "select" || !target) return null;
    const kind = target.dataset.grab;
    if (kind === "corner") return this.grabCorner(Number(target.dataset.corner));
    if (kind === "middle") return this.grabMiddle(Number(target.dataset.corner));
    const one = { type: target.dataset.type, index: Number(target.dataset.index) };
    if (same(one, this.chosen) && one.type !== "outline") return this.grabShape(one, point);
    return null;
  }

  grabBox(point) {
    const [ax, ay] = this.snap(point);
    const boxTo = (to) => {
      const [bx, by] = this.snap(to);
      return [[Math.min(ax, bx), Math.min(ay, by)], [Math.max(ax, bx), Math.min(ay, by)],
        [Math.max(ax, bx), Math.max(ay, by)], [Math.min(ax, bx), Math.max(ay, by)]];
    };
    return {
      move: (to) => { this.sketch = boxTo(to); this.hover(to); },
      up: (to, far) => {
        const box = boxTo(to);
        this.sketch = [];
        this.hint = null;
        if (far) this.add($("what").value, box);
        else this.stage.draw();
      },
    };
  }

  grabCorner(corner) {
    const one = { type: this.chosen.type, index: this.chosen.index };
    this.chosen = { ...one, corner };
    this.stage.draw();
    return {
      move: (to) => {
        const spot = this.snap(to, one);
        this.put(one, this.polygon(one).map((old, index) => (index === corner ? spot : old)), `corner ${corner}`);
        this.tellPlace(spot);
      },
      up: () => { this.hint = null; this.model.separate(); this.stage.draw(); },
    };
  }

  grabMiddle(after) {
    const one = { type: this.chosen.type, index: this.chosen.index };
    let made = false;
    return {
      move: (to) => {
        const spot = this.snap(to, one), polygon = [...this.polygon(one)];
        if (made) polygon[after + 1] = spot;
        else polygon.splice(after + 1, 0, spot);
        made = true;
        this.chosen = { ...one, corner: after + 1 };
        this.put(one, polygon, `middle ${after}`);
      },
      up: () => { this.hint = null; this.model.separate(); this.stage.draw(); },
    };
  }

  grabShape(one, from) {
    const first = this.polygon(one).map((corner) => [...corner]);
    return {
      move: (to) => {
        const moved = first.map(([x, y]) => [x + to[0] - from[0], y + to[1] - from[1]]);
        // The corner that finds the nearest thing to snap to leads the others.
        const leads = moved.map((corner, index) => ({ index, to: this.snap(corner, one), hit: this.hint }))
          .sort((a, b) => Number(!a.hit) - Number(!b.hit));
        this.hint = leads[0].hit;
        const by = [0, 1].map((axis) => leads[0].to[axis] - first[leads[0].index][axis]);
        this.put(one, first.map(([x, y]) => [centimetre(x + by[0]), centimetre(y + by[1])]), "move");
      },
      up: () => { this.hint = null; this.model.separate(); this.stage.draw(); },
    };
  }

  click(point) {
    if (this.tool === "polygon") {
      this.addCorner(point);
      return;
    }
    // The smallest under the pointer: what is drawn on top.
    const at = [...this.plan.zones.map((zone, index) => [zone.polygon, { type: "zone", index }]),
      ...this.plan.fixtures.map((polygon, index) => [polygon, { type: "fixture", index }])]
      .filter(([polygon]) => inside(point, polygon)).sort((a, b) => area(a[0]) - area(b[0]));
    const edge = this.plan.outline.length && nearest(point, this.plan.outline.map((from, i) =>
      onEdge(point, from, this.plan.outline[(i + 1) % this.plan.outline.length])), SNAP_PX * this.stage.unit);
    this.chosen = at.length ? at[0][1] : edge ? { type: "outline", index: 0 } : null;
    this.refresh();
  }

  addCorner(point) {
    if (this.sketch.length >= 3 && nearest(point, [this.sketch[0]], SNAP_PX * this.stage.unit)) {
      this.close();
      return;
    }
    const spot = this.snap(point), last = this.sketch.at(-1);
    if (!last || last[0] !== spot[0] || last[1] !== spot[1]) this.sketch.push(spot);
    this.stage.draw();
  }

  close() {
    const polygon = this.sketch;
    this.sketch = [];
    if (polygon.length >= 3) this.add($("what").value, polygon);
    else this.stage.draw();
  }

  hover(point) {
    if (!point) {
      $("place").textContent = "";
      return;
    }
    if (this.tool !== "select") this.tellPlace(this.snap(point));
    else this.tellPlace(point);
    if (this.tool !== "select") this.stage.draw();
  }

  tellPlace([east, north]) {
    $("place").textContent = `${east.toFixed(2)} east  ${north.toFixed(2)} north`;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey) return;
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (step && this.polygon(this.chosen)) {
      event.preventDefault();
      this.nudge(step);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      if (this.sketch.length) this.sketch.pop();
      else this.remove();
      this.stage.draw();
    } else if (event.key === "Enter" && this.tool === "polygon") this.close();
    else if (event.key === "Escape") {
      if (this.sketch.length) this.sketch = [];
      else this.chosen = null;
      this.choose("select");
      this.refresh();
    } else if ({ v: 1, r: 1, p: 1 }[event.key]) this.choose({ v: "select", r: "box", p: "polygon" }[event.key]);
  }

  nudge([dx, dy]) {
    const one = this.chosen, step = Number($("snap").value) || 0.01;
    this.put(one, this.polygon(one).map(([x, y], index) => (one.corner === undefined || one.corner === index
      ? [centimetre(x + dx * step), centimetre(y + dy * step)] : [x, y])), "nudge");
  }

  // ---- showing

  refresh() {
    if (this.chosen && !this.polygon(this.chosen)) this.chosen = null;
    this.fillShapes();
    this.fillShape();
    this.fillOutline();
    this.ask();
    this.stage.draw();
  }

  fillShapes() {
    const items = this.plan.zones.map((zone, index) => [{ type: "zone", index }, zone.kind, zone.name || zone.id, zone.polygon]);
    this.plan.fixtures.forEach((polygon, index) => items.push([{ type: "fixture", index }, "fixture", `fixture ${index + 1}`, polygon]));
    if (this.plan.outline.length) items.push([{ type: "outline", index: 0 }, "outline", "outline", this.plan.outline]);
    $("shapes").replaceChildren(...items.map(([one, kind, name, polygon]) => {
      const item = document.createElement("li"), button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", String(same(one, this.chosen)));
      const colour = document.createElement("i");
      colour.className = `kind-${kind}`;
      const size = Object.assign(document.createElement("span"), { className: "quiet",
        textContent: `${kind === name ? "" : `${kind}, `}${shown(area(polygon), 1)} m²` });
      button.append(colour, Object.assign(document.createElement("span"), { textContent: name }), size);
      button.addEventListener("click", () => { this.chosen = one; this.choose("select"); this.refresh(); });
      item.append(button);
      return item;
    }));
  }

  fillShape() {
    const polygon = this.polygon(this.chosen);
    $("shape").hidden = !polygon;
    $("delete").disabled = !polygon;
    if (!polygon) return;
    const zone = this.chosen.type === "zone" ? this.plan.zones[this.chosen.index] : null;
    $("shape-title").textContent = zone ? `Zone ${zone.id}` : this.chosen.type === "fixture"
      ? `Fixture ${this.chosen.index + 1}` : "Outline";
    for (const part of document.querySelectorAll(".zone-only")) part.hidden = !zone;
    if (zone) {
      if (document.activeElement !== $("shape-name") || $("shape-name").value.trim() !== zone.name.trim()) $("shape-name").value = zone.name;
      $("shape-kind").value = zone.kind;
    }
    if (document.activeElement !== $("shape-corners")) {
      $("shape-corners").value = polygon.map((corner) => corner.map((value) => shown(value)).join("  ")).join("\n");
      $("shape-corners").classList.remove("wrong");
    }
  }

  fillOutline() {
    const [, , east, north] = extentOf({ outline: this.plan.outline, zones: [], fixtures: [] });
    for (const [id, value] of [["floor-width", east], ["floor-depth", north]]) {
      if (document.activeElement !== $(id) && this.plan.outline.length && $(id).value === "") $(id).value = shown(value);
    }
  }

  ask() {
    const key = JSON.stringify(this.plan);
    if (key === this.asked) return;
    this.asked = key;
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      try {
        const wrong = this.plan.outline.length ? await tell("api/problems", this.plan) : null;
        if (this.asked !== key) return;
        this.wrong = wrong ?? [];
        this.showProblems(wrong);
        this.stage.draw();
      } catch (error) {
        this.say(error.message, "wrong");
      }
    }, 150);
  }

  showProblems(wrong) {
    const named = (text) => this.plan.zones.reduce((said, zone) =>
      (zone.name ? said.replaceAll(`'${zone.id}'`, `“${zone.name}”`) : said), text);
    const line = (look, text) => Object.assign(document.createElement("p"), { className: look, textContent: named(text) });
    const lines = wrong === null ? [line("", "Begin with the walls: type their sizes below, or draw an outline.")]
      : wrong.length ? wrong.map((text) => line("poor", text))
        : !this.plan.zones.length ? [line("", "Now draw at least one zone: what you want figures for. Without any, nothing is counted or saved.")]
        : [line("good", `The plan is sound: ${counted(this.plan.zones.length, "zone")}, ${counted(this.plan.fixtures.length, "fixture")}.`)];
    if (wrong && !wrong.length && this.plan.zones.length && !this.plan.zones.some((zone) => zone.kind === "entrance" || zone.kind === "exit")) {
      lines.push(line("", "There is no entrance or exit yet: with them, people who appear there are believed sooner."));
    }
    $("problems").replaceChildren(...lines);
  }

  async fetchAbove() {
    const walls = this.plan.outline.length ? extentOf({ ...this.plan, zones: [], fixtures: [] }) : this.extent;
    for (const camera of this.model.now.cameras) {
      if (camera.rows.filter(isWhole).length < 4) continue;
      try {
        const url = await fetchDrawn("api/above.png", { camera: cameraOf(camera), extent: walls });
        const old = this.above.get(camera.name);
        this.above.set(camera.name, { url, extent: walls });
        if (old) URL.revokeObjectURL(old.url);
      } catch { /* no picture or no calibration yet: the floor stays plain */ }
    }
    this.stage.draw();
  }

  draw(stage) {
    const unit = stage.unit, under = this.model.planImage.draw(stage);
    if ($("above").checked) {
      for (const { url, extent: [west, south, east, north] } of this.above.values()) {
        under.push(node("image", { href: url, x: west, y: -north, width: east - west, height: north - south,
          opacity: 0.8, preserveAspectRatio: "none" }));
      }
    }
    const drawn = drawFloor(stage, this.plan, { under, state: (type, index) => this.looks({ type, index }) });
    drawn.push(...this.handles(unit));
    if (this.sketch.length) {
      drawn.push(node(this.tool === "box" ? "polygon" : "polyline", { points: pointsOf(this.sketch), class: "sketch" }));
      for (const [x, y] of this.sketch) drawn.push(node("circle", { cx: x, cy: -y, r: 5 * unit, class: "corner" }));
    }
    if (this.hint) drawn.push(node("circle", { cx: this.hint[0], cy: -this.hint[1], r: 8 * unit, class: "snapped" }));
    return drawn;
  }

  looks(one) {
    const id = one.type === "zone" ? `'${this.plan.zones[one.index].id}'` : `${one.type} ${one.index + 1} `;
    const wrong = this.wrong.some((text) => text.includes(id));
    return `${same(one, this.chosen) ? "chosen" : ""} ${wrong ? "wrong" : ""}`;
  }

  handles(unit) {
    const polygon = this.polygon(this.chosen);
    if (!polygon || this.tool !== "select") return [];
    const drawn = polygon.map(([x, y], index) => {
      const [mx, my] = middleOf([[x, y], polygon[(index + 1) % polygon.length]]);
      return node("circle", { cx: mx, cy: -my, r: 5 * unit, class: "middle", "data-grab": "middle", "data-corner": index });
    });
    polygon.forEach(([x, y], index) => drawn.push(node("circle", { cx: x, cy: -y, r: 7 * unit,
      class: `corner ${this.chosen.corner === index ? "chosen" : ""}`, "data-grab": "corner", "data-corner": index })));
    return drawn;
  }
}

function same(one, other) {
  return Boolean(one && other && one.type === other.type && one.index === other.index);
}

function counted(number, thing) {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}

function centimetre(value) {
  return Number(value.toFixed(2));
}

function nearest([x, y], candidates, reach) {
  let best = null, least = reach;
  for (const [cx, cy] of candidates) {
    const away = Math.hypot(cx - x, cy - y);
    if (away < least) [best, least] = [[cx, cy], away];
  }
  return best;
}

function onEdge([x, y], [ax, ay], [bx, by]) {
  const length = (bx - ax) ** 2 + (by - ay) ** 2;
  const share = length ? Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) : 0;
  return [ax + share * (bx - ax), ay + share * (by - ay)];
}
