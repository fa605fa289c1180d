// A floor plan as an image, dropped in: read and kept in this browser only.

import { numberOf } from "./model.js";
import { node } from "./stage.js";

const $ = (id) => document.getElementById(id);
const ASSUMED_M = 20; // across, until its scale is set
const APART_PX = 5; // of the image, at least: two ends in one place tell no scale

export class PlanImage {
  constructor(stage, { onChange, say }) {
    this.stage = stage;
    this.onChange = onChange;
    this.say = say;
    this.url = "";
    this.ends = [];
    this.mode = ""; // "ends", "length", "origin" while the scale is being set
    $("plan-image").addEventListener("change", () => this.read($("plan-image").files[0]));
    $("plan-scale").addEventListener("click", () => this.begin());
    $("plan-drop").addEventListener("click", () => this.remove());
    // Anywhere: beside the frame the browser would leave this page and show the image instead.
    for (const type of ["dragover", "drop"]) {
      addEventListener(type, (event) => {
        event.preventDefault();
        if (type === "drop") this.read(event.dataTransfer.files[0]);
      });
    }
    this.hint();
  }

  get busy() { return this.mode !== ""; }
  get there() { return this.url !== ""; }

  async read(file) {
    if (!file) return;
    if (!["image/png", "image/jpeg"].includes(file.type)) {
      this.say(`${file.name} is neither a PNG nor a JPEG image; of a PDF or a drawing take a screenshot.`, "wrong");
      return;
    }
    const url = URL.createObjectURL(file);
    const image = new Image();
    image.src = url;
    try {
      await image.decode();
    } catch {
      URL.revokeObjectURL(url);
      this.say(`${file.name} cannot be read as an image; open it in another program and save it as PNG.`, "wrong");
      return;
    }
    this.say("");
    this.remove();
    this.url = url;
    this.size = [image.naturalWidth, image.naturalHeight];
    this.perMetre = this.size[0] / ASSUMED_M;
    this.origin = [0, this.size[1]];
    this.begin();
  }

  remove() {
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = "";
    this.mode = "";
    $("plan-image").value = "";
    this.hint();
    this.onChange();
  }

  begin() {
    this.mode = "ends";
    this.ends = [];
    this.hint();
    this.onChange();
  }

  // Take a click in metres as they are now; true if it was for the scale.
  click(point) {
    if (!this.busy) return false;
    const pixel = this.pixelOf(point);
    if (this.mode === "ends") {
      const [first] = this.ends;
      if (first && Math.hypot(pixel[0] - first[0], pixel[1] - first[1]) < APART_PX) return true;
      this.ends.push(pixel);
      if (this.ends.length === 2) this.mode = "length";
    } else if (this.mode === "origin") {
      this.origin = pixel;
      this.mode = "";
      this.hint();
      this.onChange();
      return true;
    }
    this.hint();
    this.stage.draw();
    return true;
  }

  setLength(metres) {
    const [[ax, ay], [bx, by]] = this.ends;
    this.perMetre = Math.hypot(bx - ax, by - ay) / metres;
    this.mode = "origin";
    this.hint();
    this.onChange();
  }

  pixelOf([east, north]) {
    return [this.origin[0] + east * this.perMetre, this.origin[1] - north * this.perMetre];
  }

  metresOf([x, y]) {
    return [(x - this.origin[0]) / this.perMetre, (this.origin[1] - y) / this.perMetre];
  }

  // What to show: all of the image and of what else there is.
  extent([west, south, east, north]) {
    if (!this.there) return [west, south, east, north];
    const [left, bottom] = this.metresOf([0, this.size[1]]);
    const [right, top] = this.metresOf([this.size[0], 0]);
    if (this.busy) return [left, bottom, right, top];
    return [Math.min(west, left), Math.min(south, bottom), Math.max(east, right), Math.max(north, top)];
  }

  draw(stage) {
    if (!this.there) return [];
    const [west, north] = this.metresOf([0, 0]);
    const drawn = [node("image", { href: this.url, x: west, y: -north, width: this.size[0] / this.perMetre,
      height: this.size[1] / this.perMetre, opacity: this.busy ? 1 : 0.7, preserveAspectRatio: "none" })];
    if (this.busy) {
      const ends = this.ends.map((end) => this.metresOf(end));
      if (ends.length === 2) {
        drawn.push(node("line", { x1: ends[0][0], y1: -ends[0][1], x2: ends[1][0], y2: -ends[1][1], class: "off" }));
      }
      for (const [x, y] of ends) drawn.push(node("circle", { cx: x, cy: -y, r: 6 * stage.unit, class: "mark chosen" }));
    }
    return drawn;
  }

  hint() {
    $("plan-scale").hidden = !this.there || this.busy;
    $("plan-drop").hidden = !this.there;
    const text = {
      ends: this.ends.length ? "Click its other end."
        : "Click one end of something in the plan whose length you know, like a wall.",
      length: "",
      origin: "Click the corner of the shop that is 0 east, 0 north. Up in the plan is north.",
      "": this.there ? "Click in the plan where the chosen point is."
        : "Or drop a PNG or JPEG here. It stays in this browser.",
    }[this.mode];
    $("plan-hint").textContent = text;
    if (this.mode === "length") this.askLength();
  }

  askLength() {
    const input = Object.assign(document.createElement("input"), { id: "plan-length", inputMode: "decimal", size: 6 });
    const button = Object.assign(document.createElement("button"), { textContent: "Set", type: "button" });
    const take = () => {
      const metres = numberOf(input.value.replace(/\s*m$/, ""));
      if (metres > 0) this.setLength(metres);
      else input.classList.add("wrong");
    };
    button.addEventListener("click", take);
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") take(); });
    const label = Object.assign(document.createElement("label"), { textContent: "Its length in metres: ", htmlFor: "plan-length" });
    $("plan-hint").replaceChildren(label, input, " ", button);
    input.focus();
  }
}
