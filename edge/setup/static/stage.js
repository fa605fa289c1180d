// A drawing one can zoom and pan, by mouse, touch or keys. Everything is drawn anew on each change;
// `unit` is how much of the drawing one screen pixel covers, so that marks keep their size.

const SVG = "http://www.w3.org/2000/svg";
const CLICK_PX = 5;

export function node(name, attributes = {}, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) made.setAttribute(key, value);
  }
  if (text) made.textContent = text;
  return made;
}

export class Stage {
  // hooks: draw(stage) -> nodes; grab(point, target, event) -> {move, up} or null; click(point, event);
  // hover(point); key(event). `up` tells that y grows upwards (metres) rather than down (pixels).
  constructor(svg, { up = false, hooks }) {
    this.svg = svg;
    this.up = up;
    this.hooks = hooks;
    this.box = { x: 0, y: 0, width: 1, height: 1 };
    this.home = null;
    this.held = new Map();
    this.drag = null;
    svg.classList.toggle("plan", up);
    svg.addEventListener("pointerdown", (event) => this.down(event));
    svg.addEventListener("pointermove", (event) => this.moved(event));
    svg.addEventListener("pointerup", (event) => this.released(event));
    svg.addEventListener("pointercancel", (event) => this.released(event));
    svg.addEventListener("pointerleave", () => this.hooks.hover?.(null));
    svg.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
    svg.addEventListener("keydown", (event) => this.hooks.key?.(event));
    new ResizeObserver(() => this.draw()).observe(svg);
  }

  // Show this part; metres or pixels, y as the drawing's world has it.
  fit(west, south, east, north, margin = 0.04) {
    const width = Math.max(east - west, 1e-6), height = Math.max(north - south, 1e-6);
    const pad = margin * Math.max(width, height);
    this.home = {
      x: west - pad, y: (this.up ? -north : south) - pad,
      width: width + 2 * pad, height: height + 2 * pad,
    };
    this.box = { ...this.home };
    this.draw();
  }

  get unit() {
    const area = this.svg.getBoundingClientRect();
    if (!area.width || !area.height) return this.box.width / 500;
    return Math.max(this.box.width / area.width, this.box.height / area.height);
  }

  // The world's point under a pointer.
  at(event) {
    const matrix = this.svg.getScreenCTM();
    if (!matrix) return [0, 0];
    const spot = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    return [spot.x, this.up ? -spot.y : spot.y];
  }

  draw() {
    const { x, y, width, height } = this.box;
    this.svg.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
    this.svg.setAttribute("preserveAspectRatio", "xMidYMid meet");
    if (this.svg.getBoundingClientRect().width) this.svg.replaceChildren(...this.hooks.draw(this));
  }

  zoom(factor, around = null) {
    const middle = around ?? [this.box.x + this.box.width / 2, this.box.y + this.box.height / 2];
    const home = this.home ?? this.box;
    const width = this.box.width / factor;
    if (width > home.width * 4 || width < home.width / 60) return;
    this.box = {
      x: middle[0] - (middle[0] - this.box.x) / factor,
      y: middle[1] - (middle[1] - this.box.y) / factor,
      width, height: this.box.height / factor,
    };
    this.draw();
  }

  reset() {
    if (this.home) this.box = { ...this.home };
    this.draw();
  }

  pan(dx, dy) {
    this.box.x -= dx * this.unit;
    this.box.y -= dy * this.unit;
    this.draw();
  }

  wheeled(event) {
    event.preventDefault();
    const [x, y] = this.at(event);
    this.zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, [x, this.up ? -y : y]);
  }

  down(event) {
    this.svg.setPointerCapture(event.pointerId);
    this.held.set(event.pointerId, [event.clientX, event.clientY]);
    this.svg.focus({ preventScroll: true });
    if (this.held.size > 1) {
      this.drag = null;
      return;
    }
    const grabbed = event.button === 0
      ? this.hooks.grab?.(this.at(event), event.target.closest("[data-grab]"), event) : null;
    this.drag = { grabbed, from: [event.clientX, event.clientY], far: false, button: event.button };
  }

  moved(event) {
    const before = this.held.get(event.pointerId);
    if (!before) {
      this.hooks.hover?.(this.at(event));
      return;
    }
    const now = [event.clientX, event.clientY];
    if (this.held.size === 2) this.pinch(event.pointerId, before, now);
    this.held.set(event.pointerId, now);
    if (!this.drag) return;
    const { from, grabbed } = this.drag;
    if (!this.drag.far && Math.hypot(now[0] - from[0], now[1] - from[1]) < CLICK_PX) return;
    this.drag.far = true;
    if (grabbed) grabbed.move(this.at(event), event);
    else {
      this.svg.classList.add("grabbing");
      this.pan(now[0] - before[0], now[1] - before[1]);
    }
  }

  pinch(id, before, now) {
    const [, other] = [...this.held].find(([key]) => key !== id);
    const was = Math.hypot(before[0] - other[0], before[1] - other[1]);
    const is = Math.hypot(now[0] - other[0], now[1] - other[1]);
    const [x, y] = this.at({ clientX: (now[0] + other[0]) / 2, clientY: (now[1] + other[1]) / 2 });
    if (was > 10 && is > 10) this.zoom(is / was, [x, this.up ? -y : y]);
    this.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  }

  released(event) {
    const drag = this.drag;
    this.held.delete(event.pointerId);
    this.svg.classList.remove("grabbing");
    this.drag = null;
    if (!drag) return;
    if (drag.grabbed) drag.grabbed.up?.(this.at(event), drag.far, event);
    else if (!drag.far && drag.button === 0 && event.type === "pointerup") {
      this.hooks.click?.(this.at(event), event);
    }
  }
}

export function zoomButtons(holder, stage) {
  const make = (text, title, act) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.title = title;
    button.setAttribute("aria-label", title);
    button.addEventListener("click", act);
    return button;
  };
  holder.append(
    make("−", "Zoom out", () => stage.zoom(1 / 1.4)),
    make("+", "Zoom in", () => stage.zoom(1.4)),
    make("⤢", "Show all", () => stage.reset()),
  );
}
