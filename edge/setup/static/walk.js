// Step 3: walk, and see a dot where the agent sees a person.

import { look, tell } from "./api.js";
import { drawFloor, extentOf, inside } from "./floor.js";
import { draftOf } from "./model.js";
import { Stage, node, zoomButtons } from "./stage.js";

const $ = (id) => document.getElementById(id);
const EVERY_MS = 300;
const TRAIL = 12; // places back, kept in this page only

export class Walk {
  constructor(model, { say }) {
    this.model = model;
    this.say = say;
    this.on = false;
    this.dots = [];
    this.trail = [];
    this.stage = new Stage($("dots"), { up: true, hooks: { draw: (stage) => this.draw(stage) } });
    zoomButtons(document.querySelector('[data-for="dots"]'), this.stage);
    $("walk-begin").addEventListener("click", () => this.begin());
    $("walk-end").addEventListener("click", () => this.end());
    model.watchers.add(() => this.stage.draw());
  }

  enter() {
    this.stage.fit(...extentOf(this.model.now.plan));
    this.poll();
  }

  async begin() {
    $("walk-trouble").textContent = "";
    $("walk-begin").disabled = true;
    try {
      await tell("api/walk/begin", draftOf(this.model.now));
      this.trail = [];
      await this.poll();
    } catch (error) {
      $("walk-trouble").textContent = error.message;
    }
    $("walk-begin").disabled = false;
  }

  async end() {
    try {
      await tell("api/walk/end", {});
    } catch (error) {
      this.say(error.message, "wrong");
    }
    await this.poll();
  }

  async poll() {
    clearTimeout(this.timer);
    try {
      this.show(await look("api/walk"));
    } catch (error) {
      this.say(error.message, "wrong");
    }
    if (this.on) this.timer = setTimeout(() => this.poll(), EVERY_MS);
  }

  show({ left_s: left, dots, trouble }) {
    this.on = left > 0;
    $("walk-begin").hidden = this.on;
    $("walk-end").hidden = !this.on;
    $("walk-left").textContent = this.on
      ? `ends by itself in ${Math.floor(left / 60)} min ${String(left % 60).padStart(2, "0")} s` : "";
    if (this.on) $("walk-trouble").textContent = trouble.join("; ");
    this.trail = this.on ? [...this.trail, ...dots.map((dot) => dot)].slice(-TRAIL * Math.max(1, dots.length)) : [];
    this.dots = dots;
    const names = this.model.now.plan.zones.filter((zone) => this.lit(zone)).map((zone) => zone.name || zone.id);
    $("walk-zones").textContent = !this.on ? "" : `${dots.length || "No"} ${dots.length === 1 ? "person" : "people"} seen`
      + (names.length ? ` in ${names.join(", ")}` : "");
    this.stage.draw();
  }

  lit(zone) {
    return this.dots.some((dot) => inside(dot, zone.polygon));
  }

  draw(stage) {
    const { plan } = this.model.now;
    const drawn = drawFloor(stage, plan, {
      state: (type, index) => (type === "zone" && this.lit(plan.zones[index]) ? "lit" : ""),
    });
    for (const [x, y] of this.trail) drawn.push(node("circle", { cx: x, cy: -y, r: 3 * stage.unit, class: "trail" }));
    for (const [x, y] of this.dots) drawn.push(node("circle", { cx: x, cy: -y, r: 9 * stage.unit, class: "dot" }));
    return drawn;
  }
}
